"""Ids that what stays has too, as a plan tells of them."""

from collections.abc import Iterator, Mapping
from typing import Any


def left_in_lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each id that `forget` would leave out of a part of its scan."""
    for one in answer["left_out"]:
        yield (
            f"Id {one['number']} stands in what stays, too ({', '.join(one['places'])}): forget "
            f"will need --accept-left-out."
        )
