"""How far a run is, told while somebody looks on, over one connection.

phases       what is done of a deletion, and what is at work
watched      the same to a browser, whenever it is news (server-sent events)
at_work_now  what runs, to whoever looks at the requests
"""
