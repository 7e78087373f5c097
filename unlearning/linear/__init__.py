"""Linear models of exact sums: numbers on a public grid, Gram sums in integers, one solve.

grid          numbers as whole steps of a grid that is declared or public, never the data's
gram          what rows add to the sums of a part, and take from them, exactly
ridge_solve   the weights that follow from the sums, the same bits on every processor
ridge_graph   the served graph of every ridge model, shipped as it is; `ridge_serving` fills it

A family of `families` learns with them. Everything is integers until the solve, which is a
function of the sums alone; so a row is taken out by subtracting what it added.
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from unlearning.linear.gram import GramSums, gram_added, gram_of, gram_subtracted, no_gram
    from unlearning.linear.grid import Grid, grid_of
    from unlearning.linear.ridge_serving import export_ridge
    from unlearning.linear.ridge_solve import RidgeWeights, answers_of, solved
else:
    __getattr__ = lazily(
        __name__,
        {
            "gram": ("GramSums", "gram_added", "gram_of", "gram_subtracted", "no_gram"),
            "grid": ("Grid", "grid_of"),
            "ridge_serving": ("export_ridge",),
            "ridge_solve": ("RidgeWeights", "answers_of", "solved"),
        },
    )

__all__ = [
    "GramSums",
    "Grid",
    "RidgeWeights",
    "answers_of",
    "export_ridge",
    "gram_added",
    "gram_of",
    "gram_subtracted",
    "grid_of",
    "no_gram",
    "solved",
]
