"""What is done at the desk, and what is read there: by a form of a page and by the API alike.

acting            what is done to a request; one is filed
written_answers   what is written to be sent: written, handed over, said to be sent
request_reading   a request without a name, and its names with a reason
certificates_checked  whether a certificate holds, for anybody
evidence_given    the evidence of deletions, for an auditor
figures           what the register says of a year
metrics           numbers for Prometheus
people_found      whether somebody has rows, with a reason
webhooks_told     what happens to requests is told to other systems
own_page          what the person of a request sees by a link of their own
users_managed     who may use the desk
rules_set         rules for requests, the controller, templates of letters
who_has_data      recipients, places that serve, names of models
tokens_made       tokens of programs, made and ended
runs_started      what is due is started, and how far it is
"""
