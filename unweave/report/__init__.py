"""The report of one deletion: a page for people, as HTML and PDF.

values      what people are told
words       in plain words; `numbers` as people write them
evaluation  how the result behaves
charts      of an evaluation; `picture` of the lineage
page        the HTML page; `pdf` the same, printed
"""
