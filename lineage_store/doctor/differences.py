"""What a comparison of two records of the same thing found to differ."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be.

    `where` names the record and the thing in it; `what` is the rest of the sentence; `repairable`
    says whether it can be put right from what is on disk.
    """

    where: str
    what: str
    repairable: bool
