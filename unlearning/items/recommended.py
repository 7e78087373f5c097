"""What lists of neighbours recommend to a history, and how often that is right.

An item's score for a history is how much alike it is to those that the history holds, summed over
the lists that it stands in, and its mean over the parts (Deshpande and Karypis 2004, figure 2).
Items that are held already are not recommended, and of equal scores the first name comes first.

It is judged by people who were kept apart: of each history with two items or more one is hidden,
by a draw of its own, and it is a hit if it is among the ten that the others recommend. Beside it
stands what always recommending the ten most used would reach.
"""

from collections.abc import Sequence

import numpy as np

from unlearning.items.histories import Histories, Integers
from unlearning.items.item_counts import ItemCounts
from unlearning.items.neighbours import Neighbours
from unlearning.serving.measured import Metrics, share

TOLD = 10
"""How many items are recommended."""


def recommended(lists: Neighbours, held: Integers) -> tuple[Integers, Integers]:
    """Return the places (k,) of at most TOLD items, best first, and their scores in steps (k,).

    `held` are places, each once.
    """
    found, scores = _scores(lists, held)
    new = ~np.isin(found, held)
    found, scores = found[new], scores[new]
    best = np.lexsort((found, -scores))[:TOLD]
    return found[best], scores[best]


def _scores(lists: Neighbours, held: Integers) -> tuple[Integers, Integers]:
    """Return the places of all items in the lists of some, in order, and their scores in steps."""
    spans = [np.arange(lists.ends[one], lists.ends[one + 1]) for one in held.tolist()]
    where = np.concatenate([np.zeros(0, np.int64), *spans])
    found, which = np.unique(lists.others[where], return_inverse=True)
    scores = np.zeros(len(found), np.int64)
    np.add.at(scores, which.reshape(-1), lists.steps[where])
    return found, scores


def left_out_scores(lists: Neighbours, histories: Histories) -> dict[tuple[int, bytes], int]:
    """Return the score in steps of each item of some histories for the rest of its own."""
    found: dict[tuple[int, bytes], int] = {}
    places = places_in(lists.names, histories)
    for start, end in histories.spans:
        held = places[start:end]
        others, scores = _scores(lists, held[held >= 0])
        by_place = dict(zip(others.tolist(), scores.tolist(), strict=True))
        for at in range(start, end):
            name = histories.names[int(histories.items[at])]
            found[int(histories.who[at]), name] = by_place.get(int(places[at]), 0)
    return found


def places_in(names: Sequence[bytes], histories: Histories) -> Integers:
    """Return the places of the entries of histories among names, or -1."""
    known = {name: place for place, name in enumerate(names)}
    own = np.array([known.get(name, -1) for name in histories.names], np.int64)
    return own[histories.items]


def hits(lists: Neighbours, parts: Sequence[ItemCounts], histories: Histories) -> Metrics:
    """Return in how many of some histories the hidden item is recommended, of all with two."""
    places, draws = places_in(lists.names, histories), histories.draws()
    usual = _most_used(lists.names, parts)
    asked = right = popular = 0
    for start, end in histories.spans:
        if end - start < 2:
            continue
        hidden = int(np.argmin(draws[start:end]))
        held, wanted = np.delete(places[start:end], hidden), int(places[start + hidden])
        asked += 1
        right += wanted in recommended(lists, held[held >= 0])[0]
        popular += wanted in usual[~np.isin(usual, held)][:TOLD]
    if not asked:
        return {"histories": 0}
    told: Metrics = {"histories": asked, "hit_rate": share(right, asked)}
    return told | {"baseline": {"hit_rate": share(popular, asked)}}


def _most_used(names: Sequence[bytes], parts: Sequence[ItemCounts]) -> Integers:
    """Return all places among names, those of the greatest squares first."""
    place = {name: at for at, name in enumerate(names)}
    squares = np.zeros(len(names), np.int64)
    for part in parts:
        squares[[place[name] for name in part.names]] += part.squares
    return np.argsort(-squares, kind="stable")
