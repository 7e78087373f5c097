"""A check with its negative control (law 6): it is put to the untouched model, too."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from lineage_store.ledger import Ledger
from unlearning.strategies.past_decision import without_places

HOLDS = "it holds, and fails for the untouched model: "

Outcome = Literal["passed", "failed", "uninformative"]
Basis = Literal["by construction", "by replay"]


@dataclass(frozen=True)
class Check:
    """One check: what it says, of the new model and of the untouched one."""

    name: str
    outcome: Outcome
    detail: str

    @property
    def past(self) -> "Check":
        """What outlives the deletion: the same, but for places within a shard (law 9)."""
        return replace(self, detail=without_places(self.detail))


def controlled(
    name: str,
    holds: Callable[[Ledger], str | None],
    *,
    new: Ledger,
    old: Ledger,
    control_holds: str = "it holds for the untouched model too: no trained row is deleted",
) -> Check:
    """Put a check to the new and to the untouched ledger; `holds` returns why it fails, or None."""
    failure, control = holds(new), holds(old)
    if failure is not None:
        return Check(name, "failed", failure)
    if control is None:
        return Check(name, "uninformative", control_holds)
    return Check(name, "passed", f"{HOLDS}{control}")
