"""Answers as plain values that JSON can hold.

runs      of the commands that change something
requests  of the request queue
costs     the expected cost of a request
"""
