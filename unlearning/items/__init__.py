"""Which items go together: histories of interactions, sums over them, and what they recommend.

histories    rows as histories: which items each has, and how strongly
item_counts  sums of a part's histories by item and by pair of items, subtracted exactly
neighbours   of each item those most alike, told by whole numbers alone
recommended  what lists of neighbours recommend to a history, and how often it is right
item_graph   the served graph of every such model, shipped as it is; `item_serving` fills its file

A family of `families` learns with them. Nothing but sums of whole numbers is kept of histories, so
one is taken out by subtracting what it added; the neighbours are told anew from the sums.
"""
