"""Who has rows that are learnt from, and others that the model is judged by.

A person's rows lie on one side, unless they are placed by something else than who they are of: by
themselves, by their groups, or by the first of several people. Such a person makes a model look
better than it is, so whoever trains is told how many there are. People are counted by their
pseudonyms, up to MOST_PEOPLE on a side, so that memory is bounded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lineage_store.data.record import Block
from lineage_store.keys.pseudonyms import each_pseudonym

MOST_PEOPLE = 1_000_000


@dataclass
class SideWatch:
    """The people with rows on each side so far."""

    learnt: set[bytes] = field(default_factory=set)
    judged: set[bytes] = field(default_factory=set)

    def passing(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield blocks, each once it was looked at."""
        for block in blocks:
            for written, evaluation in zip(block.subjects, block.evaluation, strict=True):
                side = self.judged if evaluation else self.learnt
                if len(side) < MOST_PEOPLE:
                    side.update(each_pseudonym(written))
            yield block

    @property
    def on_both(self) -> int:
        """The number of people on both sides."""
        return len(self.learnt & self.judged)
