"""Where a model comes from, and what came of it: looked at level by level, and back.

levels          what is shown of each level, from the index and the ledger
words_picture   a model's line as one column in words
lineage_pages   its pages
"""
