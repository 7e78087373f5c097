"""Letters by mail: what an officer says is to be sent goes by the server of the settings.

letters_mailed  what waits, and is sent; the server that sends it
mail_message    a mail of what is written
mail_posting    handed to the server, by SMTP
"""
