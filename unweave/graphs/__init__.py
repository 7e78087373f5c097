"""The lineage as a file to be looked at: `write` chooses, the others draw.

in_words   one column, in words for whoever answers for a model
svg        boxes in layers, for whoever looks for a step
graphml    all of it, for other programs
"""
