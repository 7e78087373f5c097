"""Where a model comes from, and what came of it: looked at level by level, and back.

levels          what is shown of each level, from the index and the ledger
words_picture   a model's line as one column in words
lineage_pages   its pages
nodes           what a lineage is made of, by numbers; what somebody types, read
lines           lines of models as they hang together; never across a deletion into another
ways            what stands next to something, and the way from one thing to another
links_picture   both drawn, each box a link
search_pages    their pages
"""
