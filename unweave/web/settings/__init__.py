"""Settings of the desk, for its owner: a page each.

tokens_page  programs: their tokens, and webhooks
users_page   who may use the desk
policy_page  the rules for requests
controller_page  who answers for the data
letters_page  the templates of letters
mail_page    the server by which letters are sent
"""
