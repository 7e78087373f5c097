"""Models that are the one optimum of a convex function, forgotten from to the bit.

double_words      numbers of two doubles, and shares of classes, with proven errors
whole_products    exact sums of products of whole numbers
standing_rows     the rows of a part as an optimum is told from them
optimum           Newton's steps to a proven bound around it
logistic_part     a part: its optimum, rounded to a public grid by proof
logistic_answers  what it answers, and how it is served
logistic_graph    the served graph of every logistic model, shipped as it is

A family of `families` learns with them. Where a fit ends is not where another does, in its last
bits; so what is kept is what both round to, and where no proof says that they do, the fit from
nothing is run, of which everything is a function of the set of rows.
"""
