"""Which strategy serves one model: by the guarantee, the limits and what each would cost.

A strategy that is named is taken. Else of each guarantee the first in the registry, which measures
best, is a candidate; others only serve by name. Without limits the candidate of the guarantee is
taken, with limits and no guarantee the strongest that fits. Where an approximate result would do,
an exact one is taken that takes no longer, or if no other can serve: it is worth more.
"""

from dataclasses import dataclass, field
from typing import Any

from lineage_store.claim import BITS, Claim, Word
from lineage_store.errors import BadInput
from unlearning.families.known_families import family_of_ledger
from unlearning.planning.estimates import Estimate, Limits, options
from unlearning.strategies.decision import Decision
from unlearning.strategies.known_strategies import choose, strategies, strategies_for
from unlearning.strategies.strategy import Situation, Strategy

REPAIR_AT_MOST = 100_000


@dataclass(frozen=True)
class WantedResult:
    """What the requester wants of the result, and what it may cost.

    `repair` are the most epochs of a repair. With `accept_bridged`, what a replay agrees with is
    taken over although code or environment are others now.
    """

    guarantee: Word | None = None
    strategy: str | None = None
    repair: int = 0
    limits: Limits = field(default_factory=Limits)
    accept_bridged: bool = False

    def chosen(self) -> Strategy[Any]:
        """Return the strategy if nothing limits it.

        Raises BadInput if there is none, or none that leaves a repair.
        """
        strategy = choose(guarantee=self.guarantee, name=self.strategy)
        if not 0 <= self.repair <= REPAIR_AT_MOST:
            raise BadInput(f"`repair` is {self.repair}: it goes from 0 to {REPAIR_AT_MOST}.")
        if self.repair and strategy.claim.settles:
            raise BadInput(
                "`repair` goes with an approximate strategy: an exact result needs none; leave it "
                "out, or ask for `guarantee` approximate."
            )
        if self.repair and not strategy.repairs:
            raise BadInput(f"No repair can follow {strategy.name}: leave `repair` out.")
        if self.accept_bridged and not strategy.claim.settles:
            raise BadInput(
                "`accept_bridged` goes with an exact result: an approximate one takes over what "
                "there is without a replay; leave it out."
            )
        return strategy


@dataclass(frozen=True)
class Choice:
    """The strategy that is taken, why, what all that could be would cost, and what it will do."""

    strategy: Strategy[Any]
    why: str
    estimates: tuple[Estimate, ...]
    decisions: tuple[Decision, ...]


def choose_here(
    situation: Situation, asked: WantedResult, *, served: int, only: Claim | None = None
) -> Choice:
    """Choose for one model; `only` leaves strategies of no other claim.

    `served` are the bytes of its served model. Raises BadInput if no strategy can serve, and says
    what each would take or why it cannot.
    """
    family = family_of_ledger(situation.ledger)
    serving = strategies_for(family.name)
    if asked.strategy in strategies() and asked.strategy not in serving:
        raise BadInput(
            f"The strategy {asked.strategy} takes no rows out of a model of the family "
            f"{family.name}: leave it out, or take {' or '.join(serving)}."
        )
    known = {name: one for name, one in serving.items() if only is None or one.claim == only}
    there = options(situation, known, served=served, repair=asked.repair)
    found = tuple(option.estimate for option in there.values())
    if asked.strategy is not None and asked.strategy in known:
        named = asked.chosen()
        cost = there[named.name].estimate
        if cost.why_not is not None:
            raise BadInput(cost.why_not)
        if not cost.fits(asked.limits):
            raise BadInput(_too_much(asked.limits, [cost]))
        return Choice(
            named, f"{named.name} was asked for by name", found, there[named.name].decisions
        )
    wanted = asked.chosen().claim.word  # or there is no strategy of this guarantee at all
    first: dict[str, Estimate] = {}  # of each guarantee, strongest first
    for one in found:
        first.setdefault(one.guarantee, one)
    exact = first[BITS.word]
    best = first.get(wanted, exact)
    candidates = [best]
    if asked.limits.given and asked.guarantee is None:
        candidates = list(first.values())
    elif best is not exact and (best.why_not is not None or exact.seconds <= best.seconds):
        candidates = [exact, best]
    chosen = next((one for one in candidates if one.fits(asked.limits)), None)
    if chosen is None:
        raise BadInput(_none(asked.limits, candidates))
    others = [one.strategy for one in found if one.guarantee == chosen.guarantee and one != chosen]
    why = _why(chosen, best, exact, asked, others)
    return Choice(known[chosen.strategy], why, found, there[chosen.strategy].decisions)


def _why(
    chosen: Estimate, best: Estimate, exact: Estimate, asked: WantedResult, others: list[str]
) -> str:
    name = chosen.strategy
    if not chosen.claim.settles and asked.guarantee is None:
        return f"{name} is the strongest that fits: exact would take {_costs(exact)}"
    if not chosen.claim.settles:
        reason = f"{name} gives {chosen.guarantee} results and measures best of those that do"
        return "; ".join([reason, *(f"{other} is taken only by name" for other in others)])
    if best.why_not is not None:
        return f"{best.strategy} cannot serve here, and {name} always can"
    if not best.claim.settles:
        return f"{name} is exact and takes no longer than {best.strategy}"
    return f"{name} is the strategy that gives exact results"


def _none(limits: Limits, candidates: list[Estimate]) -> str:
    able = [one for one in candidates if one.why_not is None]
    if not able:
        return candidates[0].why_not or ""
    return _too_much(limits, able)


def _too_much(limits: Limits, able: list[Estimate]) -> str:
    costs = "; ".join(f"{one.strategy} would take {_costs(one)}" for one in able)
    most = [
        *([] if limits.seconds is None else [f"{limits.seconds:g} s"]),
        *([] if limits.bytes is None else [f"{limits.bytes:,} bytes"]),
    ]
    return (
        f"No strategy fits into {' and '.join(most)}: {costs}. Raise the limit, or ask for another "
        f"guarantee; nothing was changed."
    )


def _costs(estimate: Estimate) -> str:
    return f"{estimate.seconds:.1f} s and {estimate.bytes:,} bytes"
