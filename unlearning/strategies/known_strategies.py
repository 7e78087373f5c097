"""The registered strategies, and which of them is taken."""

from typing import Any

from lineage_store.claim import BITS, Word
from lineage_store.errors import BadInput
from unlearning.strategies.strategy import Strategy

_REGISTERED: dict[str, Strategy[Any]] = {}


def register(strategy: Strategy[Any]) -> None:
    """Register a strategy from outside, for this process: it serves by name, after all others.

    Raises BadInput for a name that is taken.
    """
    if strategy.name in _known():
        raise BadInput(f"There is a strategy {strategy.name!r} already: give yours another name.")
    _REGISTERED[strategy.name] = strategy


def unregister(name: str) -> None:
    """Forget a strategy that was registered from outside."""
    del _REGISTERED[name]


def strategies() -> dict[str, Strategy[Any]]:
    """Return the registered strategies by name.

    Those that guarantee most come first, and of equals the one that measures better.
    """
    from unlearning.strategies.amnesiac import Amnesiac
    from unlearning.strategies.amnesiac_marginal import AmnesiacMarginal
    from unlearning.strategies.retrain_shards import RetrainShards
    from unlearning.strategies.retrain_whole import RetrainWholeShards
    from unlearning.strategies.update_parts import MendTrees, Reconverge, SubtractSums

    known: list[Strategy[Any]] = [
        RetrainShards(), SubtractSums(), MendTrees(), Reconverge(), RetrainWholeShards(),
        AmnesiacMarginal(), Amnesiac(),
    ]  # fmt: skip
    return {strategy.name: strategy for strategy in known} | _REGISTERED


def strategies_for(family: str) -> dict[str, Strategy[Any]]:
    """Return the strategies that serve models of a family, in the same order."""
    return {
        name: strategy
        for name, strategy in strategies().items()
        if strategy.families is None or family in strategy.families
    }


def strategy_of(name: str) -> Strategy[Any]:
    """Return the strategy that a plan names, whoever chose it; raises BadInput if there is none."""
    known = _known()
    if name not in known:
        raise BadInput(
            f"There is no strategy {name!r} here: register it first, as it was when it planned."
        )
    return known[name]


def known_strategy(name: str) -> Strategy[Any] | None:
    """Return a strategy by its name; None if it is none that is registered here."""
    return _known().get(name)


def _known() -> dict[str, Strategy[Any]]:
    from unlearning.strategies.retrain_whole import Withdraw

    unasked: Strategy[Any] = Withdraw()
    return {**strategies(), unasked.name: unasked}


def exact_strategy(family: str) -> Strategy[Any] | None:
    """Return the first strategy for a family whose results settle a request; None without any."""
    return next((one for one in strategies_for(family).values() if one.claim.settles), None)


def choose(*, guarantee: Word | None, name: str | None) -> Strategy[Any]:
    """Return the strategy that was asked for, or the strongest that gives the guarantee.

    Raises BadInput for a name that is not registered, or that does not give the guarantee.
    """
    known = strategies()
    if name is not None:
        if name not in known:
            raise BadInput(f"There is no strategy {name!r}; there are: {', '.join(known)}.")
        strategy = known[name]
        if guarantee is not None and strategy.claim.word != guarantee:
            raise BadInput(
                f"The strategy {name} gives {strategy.claim.word} results, not {guarantee} ones."
            )
        return strategy
    for strategy in known.values():
        if strategy.claim.word == (guarantee or BITS.word):
            return strategy
    raise BadInput(
        f"No strategy gives a result that is {guarantee}; there are: "
        + ", ".join(f"{s.name} ({s.claim.word})" for s in known.values())
        + "."
    )
