"""A family: a kind of model that is learnt part by part, and leaves a trail to take rows out by.

Shards stand above all families. A shard is trained as a *part*: a pure function of its rows, the
configuration, the seed and the part's number. Whatever the engine asks of a kind of model, it asks
through this Protocol, and no other code names a family; a new one is a file and a line in
`known_families`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lineage_store.claim import Claim
from lineage_store.data import Inference, Task
from unlearning.encoding.row_encoding import RowEncoding

Trail = Literal["steps", "sums", "structure", "optimum", "draws"]
When = Literal["never", "not yet", "change this"]


@dataclass(frozen=True)
class Unfit:
    """One reason why a family cannot serve here; `why` is a sentence with what to do instead."""

    when: When
    why: str


class Family(Protocol):
    """A kind of model."""

    @property
    def name(self) -> str:
        """The name on the command line, in ledgers and in JSON (`model_family`)."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that it can learn."""

    @property
    def trail(self) -> Trail:
        """What training leaves behind so that rows can be taken out again."""

    @property
    def claim(self) -> Claim:
        """The strongest claim that a removal of its own can keep."""

    def encoding(self, inference: Inference) -> RowEncoding:
        """Return how it reads the rows of a table."""

    def unfit(self, inference: Inference) -> Sequence[Unfit]:
        """Return all reasons why it cannot learn from such a table; none if it can."""
