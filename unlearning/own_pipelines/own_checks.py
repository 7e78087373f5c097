"""What must hold of the run of a pipeline without the rows, and does not of the one before.

The engine looks itself (law 4): into the gated Examples of both runs, and into the ledgers of
shards. A shard that lost rows must have been trained; that another was taken over is the rule, and
never a reason by itself.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_store.errors import CheckFailed
from lineage_store.examples import read_gated_rows
from unlearning.verification import Check
from unlearning.whole_shards import WholeLedger

TAKEN_OVER = "taken over"


@dataclass(frozen=True)
class Gated:
    """Gated Examples: their folder, and the names of their cells."""

    folder: Path
    cells: Sequence[str]

    def keys(self) -> dict[str, str]:
        """Return which cell each row lies in, by its key."""
        return {row.key: cell for cell in self.cells for row in read_gated_rows(self.folder, cell)}


def check_own(
    gated: Gated, ledger: WholeLedger, *, gone: Collection[bytes], trained: Collection[int]
) -> list[Check]:
    """Return the checks of a run; of the run before, the first fails, as it must (law 6).

    `gone` are the keys of the rows, `trained` the shards that learnt from them.
    """
    lying = sum(key.hex() in gated.keys() for key in gone)  # noqa: SIM118
    kept = [one.number for one in ledger.shards if one.how == TAKEN_OVER]
    wrong = sorted(set(kept) & set(trained))
    damaged = [one.number for one in ledger.shards if not ledger.is_as_recorded(one)]
    trial = f"shard {ledger.tried} was {ledger.trial}, in a process with other hashes"
    return [
        Check(
            "no row of the forget set was given to a shard",
            "failed" if lying else "passed",
            f"{lying} rows still are" if lying else "the gate let none of them in",
        ),
        Check(
            "every shard that learnt from the forget set was trained without it",
            "failed" if wrong else "passed",
            f"shards {wrong} were taken over" if wrong else f"{len(kept)} others were taken over",
        ),
        Check(
            "the shards are as their ledger says",
            "failed" if damaged else "passed",
            f"shards {damaged} are not" if damaged else "all their files",
        ),
        Check(
            "a shard comes to the same bits again",
            "passed" if ledger.repeatable else "uninformative",
            trial if ledger.repeatable else f"{trial}, and came to others",
        ),
    ]


def must_hold(found: Sequence[Check], before: Sequence[Check]) -> None:
    """Raise CheckFailed if a check failed, or if those that must fail on the run before do not."""
    failed = [one for one in found if one.outcome == "failed"]
    if failed:
        raise CheckFailed(
            "Nothing was erased: "
            + "; ".join(f"{one.name}: failed, {one.detail}" for one in failed)
            + ". Run the same forget again."
        )
    if before and before[0].outcome != "failed":
        raise CheckFailed(
            "Nothing was erased: the check that no row is left passes on the run before, too, so "
            "it shows nothing. Run the pipeline once, then the same forget again."
        )


def shard_verbs(ledger: WholeLedger) -> Mapping[str, str]:
    """Return what became of each shard, by its number."""
    verbs = {str(one.number): "kept" if one.how == TAKEN_OVER else "retrained"
             for one in ledger.shards}  # fmt: skip
    return {str(shard): verbs.get(str(shard), "left without rows") for shard in range(ledger.count)}
