"""The one gate for data: sources, inference, and the snapshots that come out.

gate          lets records through once: checked, keyed, typed
snapshot      what it wrote, and how it is read back
source        where rows come from: a table of text; `csv_file` one that is a CSV file
csv_source    the records of a table, keyed
csv_table     a CSV file as text, and its columns as a model takes them
inference     types of columns, the task, the classes
risk          how likely a row is to be withdrawn, by rules from its own text
source_ids    from row keys back to ids, with the source file
near_matches  ids that look like the same subject's
"""
