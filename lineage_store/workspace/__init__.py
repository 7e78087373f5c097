"""The one folder that holds everything a project's models were made from.

folder            the paths in it, and the lock of whoever writes
metadata_address  where its MLMD lives: a file of its own, or a server
request_folder    the files of a deletion request
"""
