"""Attackers: what somebody who holds all but the manifest's key and a receipt can learn.

people.py      the table, and the person who was forgotten
old_people.py  a workspace of commit 961ed0a, written by its own code
leftovers.py   what a workspace still holds of an ended model, in either format
worlds.py      what follows from a guess, by one training
leaks.py       puts a leak back
"""
