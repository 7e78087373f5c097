"""Who may use the desk: users, what they sign in with, and how long that lasts.

desk_file        the file that keeps it, apart from the index
users            who there is, in which role, and the links of one use
passwords        as Argon2 keeps them
one_time_codes   the second factor (TOTP)
sign_ins         from signing in to signing out
webhooks         to whom events of requests are told
mail_server      by which server letters are sent
waiting_mails    what waits to be sent by it, and to whom
own_links        by which people see how their own requests stand
sealed_for_one   what one person alone opens
asked_once       what came of the calls that programs made
tokens           by which programs come in
sent_answers     of which requests the answer was sent
too_often        how often somebody may try
"""
