"""The registered strategies, and which of them is taken."""

from lineage_store.errors import BadInput
from unlearning.families.family import Trail
from unlearning.strategies.strategy import Strategy, StrategyGuarantee

STEPS: tuple[Trail, ...] = ("steps",)
_REGISTERED: dict[str, Strategy] = {}


def register(strategy: Strategy) -> None:
    """Register a strategy from outside, for this process: it serves by name, after all others.

    Raises BadInput for a name that is taken.
    """
    if strategy.name in strategies():
        raise BadInput(f"There is a strategy {strategy.name!r} already: give yours another name.")
    _REGISTERED[strategy.name] = strategy


def unregister(name: str) -> None:
    """Forget a strategy that was registered from outside."""
    del _REGISTERED[name]


def strategies() -> dict[str, Strategy]:
    """Return the registered strategies by name.

    Those that guarantee most come first, and of equals the one that measures better.
    """
    from unlearning.strategies.amnesiac import Amnesiac
    from unlearning.strategies.amnesiac_marginal import AmnesiacMarginal
    from unlearning.strategies.retrain_shards import RetrainShards
    from unlearning.strategies.subtract_sums import SubtractSums

    known: list[Strategy] = [RetrainShards(), SubtractSums(), AmnesiacMarginal(), Amnesiac()]
    return {strategy.name: strategy for strategy in known} | _REGISTERED


def strategies_of(trail: Trail) -> dict[str, Strategy]:
    """Return the strategies that take rows out of such a trail: of steps, where one is silent."""
    return {
        name: one for name, one in strategies().items() if trail in getattr(one, "trails", STEPS)
    }


def choose(*, guarantee: StrategyGuarantee | None, name: str | None) -> Strategy:
    """Return the strategy that was asked for, or the strongest that gives the guarantee.

    Raises BadInput for a name that is not registered, or that does not give the guarantee.
    """
    known = strategies()
    if name is not None:
        if name not in known:
            raise BadInput(f"There is no strategy {name!r}; there are: {', '.join(known)}.")
        strategy = known[name]
        if guarantee is not None and strategy.guarantee != guarantee:
            raise BadInput(
                f"The strategy {name} gives {strategy.guarantee} results, not {guarantee} ones."
            )
        return strategy
    for strategy in known.values():
        if strategy.guarantee == (guarantee or "exact"):
            return strategy
    raise BadInput(
        f"No strategy gives a result that is {guarantee}; there are: "
        + ", ".join(f"{s.name} ({s.guarantee})" for s in known.values())
        + "."
    )
