"""The attacks: each says whether what a workspace still holds confirms a guess.

An attacker has trained once for each guess (`World`), knows what is live, and compares.
"""

from collections import defaultdict
from dataclasses import dataclass
from math import isclose

from attackers.leftovers import ENDED, LIVE, Leftovers
from attackers.worlds import MODULUS, World, tokens


@dataclass(frozen=True)
class Guess:
    """What follows from a guess, from another that it is told from, and from what is live."""

    world: World
    other: World
    live: World


def by_loss(left: Leftovers, guess: Guess) -> bool:
    """Losses of steps in MLMD."""
    seen = {place: round(loss, 6) for place, loss in left.of_steps("Execution", "loss").items()}
    return bool(seen) and seen == {
        place: round(step.loss, 6) for place, step in guess.world.steps.items()
    }


def by_batch_rows(left: Leftovers, guess: Guess) -> bool:
    """Rows of batches in MLMD: they tell which batches somebody was in."""
    seen = left.of_steps("Artifact", "rows")
    return bool(seen) and seen == {place: one.rows for place, one in guess.world.steps.items()}


def by_slice_digest(left: Leftovers, guess: Guess) -> bool:
    """Digests of files of rows that were erased."""
    erased = set(left.json("ended.json").get("sha256", ()))
    return bool(erased & (guess.world.slices - guess.live.slices))


def by_weights_digest(left: Leftovers, guess: Guess) -> bool:
    """The digest of the weights before, in the certificate, and one training."""
    (change,) = left.certificate["predicate"]["models"]
    return change["before"]["weights"] == guess.world.weights


def by_two_metrics(left: Leftovers, guess: Guess) -> bool:
    """The metrics of the ended model less those of the live one."""
    name = "log_loss"
    ended, live = (left.reports[model]["metrics"] for model in (ENDED, LIVE))
    if name not in ended:
        return False
    made = guess.world.record.report["metrics"]
    return isclose(ended[name] - live[name], made[name] - live[name], abs_tol=1e-9)


def by_two_statistics(left: Leftovers, guess: Guess) -> bool:
    """How many rows the stages of the ended model saw, less those of the live one's."""

    def of_stages(rows):
        counts = defaultdict(int)
        for place, count in rows.items():
            counts[place.rpartition(".")[0]] += count
        return {stage: count - live[stage] for stage, count in counts.items()}

    live = defaultdict(int)
    for place, step in guess.live.steps.items():
        live[place.rpartition(".")[0]] += step.rows
    seen = of_stages(left.of_steps("Artifact", "rows"))
    made = of_stages({place: step.rows for place, step in guess.world.steps.items()})
    return bool(seen) and seen == made


def by_two_data_digests(left: Leftovers, guess: Guess) -> bool:
    """The digest of the data before less that after: what one row adds to it."""
    before = left.reports[ENDED].get("made_with", {}).get("data_digest")
    if before is None:
        return False
    row = (guess.world.data_digest - guess.live.data_digest) % MODULUS
    return (int(before, 16) - guess.live.data_digest) % MODULUS == row


def by_two_logs(left: Leftovers, guess: Guess) -> bool:
    """What the log says of the ended model, and what a log would say of the guess."""
    (made,) = (one for one in left.log if one.get("model") == ENDED)
    return guess.world.weights in made.values()


def by_every_number(left: Leftovers, guess: Guess) -> bool:
    """All numbers and digests that are left anywhere, against all that follow from the guess."""
    telling = guess.world.everything - guess.other.everything - guess.live.everything
    return bool(tokens(left.everything) & telling)


ATTACKS = (
    by_loss,
    by_batch_rows,
    by_slice_digest,
    by_weights_digest,
    by_two_metrics,
    by_two_statistics,
    by_two_data_digests,
    by_two_logs,
    by_every_number,
)
