"""Kinds of models that are asked for by name and are no family here: why, and what is next best.

Whoever asks for one is told in a sentence, before anything is read.
"""

from collections.abc import Mapping

NOT_THERE: Mapping[str, str] = {
    "boosted": "From one boosted model no row can be taken out but by training again, since every "
    "tree was told from the errors of all before it. Take the family forest, or estimator, whose "
    "shards are boosted models that are trained whole again.",
    "svm": "A kernel machine cannot be trained yet. Take the family logistic, convex as well.",
    "squared-hinge": "A linear support vector machine cannot be trained yet. Take the family "
    "logistic, whose weights are one optimum, too.",
    "bayes": "Conjugate models other than naive Bayes cannot be trained yet. Take the family "
    "naive-bayes, or ridge, whose sums are those of a Gaussian.",
    "neighbours": "Nearest neighbours of rows cannot be trained yet. Take the family forest, whose "
    "leaves are neighbourhoods, or item-knn for who had to do with which item.",
}
