"""Naive Bayes of integer sums.

naive_bayes          the sums of a part's rows, added and subtracted; what they tell
naive_bayes_graph    the served graph of every model, shipped as it is
naive_bayes_serving  fills it
"""
