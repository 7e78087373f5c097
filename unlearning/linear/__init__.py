"""Linear models of exact sums: numbers on a public grid, Gram sums in integers, one solve.

row_steps     rows of a table as they are summed
grid          numbers as whole steps of a grid that is declared or public, never the data's
gram          the sums of a part's rows, added and subtracted exactly; `row_sums` sums rows
selection     which features are read, told from sums and computed again with them
ridge_solve   the weights that follow from the sums, the same bits on every processor
ridge_part    what a part of a ridge model is: its sums, its selection and its weights
ridge_graph   the served graphs of every ridge model, shipped as they are; `ridge_serving` fills one

A family of `families` learns with them. Everything is integers until the solve, which is a
function of the sums alone; so a row is taken out by subtracting what it added.
"""
