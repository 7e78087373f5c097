"""The desk of those who answer people: the queue of requests, and what is sent.

request_queue     requests added, listed, run; `requests_in_hand` what is done to one that waits
subject_export    what is held about a person, as a file
"""
