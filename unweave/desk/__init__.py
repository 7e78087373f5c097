"""The desk of those who answer people: the queue of requests, and what is sent.

request_queue     requests added, listed and run; built up of
requests_in_hand  what is done to one that waits,
answering         letters, packs and refusals,
rights_in_hand    what is done to a restriction or an objection,
queue_files       what is written of all requests, and
describing        who answers for the data, and what for
own_data          the data of one person, as they are sent
queue_access      the queue opened, a request with its sealed details
what_is_told      the facts of a letter
answer_pack       what is written to be sent
recipient_list    who has data or models from here, and was told of what
evidence          of deletions, for an auditor
calendar_feed     the days on which requests are due
subject_export    what is held about a person, as a file
"""
