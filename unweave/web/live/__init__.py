"""How far a deletion is, told while somebody looks on, over one connection.

phases     what is done of it, and what is at work
watched    the same to a browser, whenever it is news (server-sent events)
"""
