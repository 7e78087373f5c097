"""Forests that forget to the bit: trees whose every draw is a hash, grown from rows or mended.

draws          what is drawn, of keys alone
forest_shape   how a forest grows, which no row decides about
forest_rows    rows as trees compare and sum them: whole numbers
split_choice   which candidate splits a node, exactly
trees          trees in memory; `growth` grows them, `changes` takes rows out and puts rows in
kernels        the same in compiled loops; `live_trees` are worked on by them
at_best        growing and mending as fast as this environment can
forest_state   a forest on disk: a function of the set of its rows
forest_answers what a forest tells of rows, and how much each feature does
forest_graph   the served graphs of every forest, shipped; `forest_serving` fills one

A family of `families` learns with them. All is integers, so that a forest has the same bits in
whatever order its rows came and went.
"""
