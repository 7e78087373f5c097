"""Clusters by k-means, forgotten from to the bit: whole numbers, hashed starts, kept steps.

points           the rows of a part as points on a public grid
steps            where clusters start, who belongs to which, and where their centres go
cluster_part     a part: all its steps, learnt, taken apart, and joined with others
cluster_graph    the served graph of every model of clusters, shipped as it is
cluster_serving  fills it

A family of `families` learns with them.
"""
