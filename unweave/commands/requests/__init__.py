"""The commands of those who answer people.

request           `unweave request` and `unweave run-requests`
request_in_hand   what is done to a request that waits
recipient         `unweave recipient`: who is told of a deletion (Article 19)
own_link_command  `unweave request link`: by which a person sees their own request
elsewhere_command  `unweave request elsewhere`: a request is filed in other workspaces, too
serve             the desk in a browser, and who may use it
token_commands    `unweave user token`: tokens of programs
webhook_commands  `unweave webhook`: who is told what happens to requests
mail_commands     `unweave mail`: the server by which letters are sent
request_answers   letters, packs and refusals; `unweave describe`
"""
