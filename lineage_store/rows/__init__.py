"""The rows of a model as arrays, by shard and slice.

arrays      rows in memory: keys, numbers, hash buckets, labels
slice_file  the rows of one slice on disk, to be read at any place
slice_set   several slices as one set in row-key order
row_store   the store of a model: training and evaluation rows
writer      writes a store from a stream of rows in any order
"""
