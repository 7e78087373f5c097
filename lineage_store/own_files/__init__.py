"""Files of unweave's own: what was damaged is named, and what was deleted from them is gone.

own_tables   SQLite files, each of which says that it was damaged
typed        whether what was read is of the types that its dataclass says
overwritten  whether what SQLite has deleted is gone from its file
"""
