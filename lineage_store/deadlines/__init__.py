"""By when a request must be answered: what the law says, as pure functions of dates.

working_days  week-ends, and the holidays of a state, from a file
regime        the rules of a law: how long, how far it may be extended, whether the clock stops
term          what happened to one request's clock, and when it is due by that
"""

from typing import TYPE_CHECKING

from lineage_store.public_names import lazily

if TYPE_CHECKING:
    from lineage_store.deadlines.regime import Period, Regime, known_regimes, read_regimes
    from lineage_store.deadlines.term import (
        CANNOT_IDENTIFY,
        MORE_IS_NEEDED,
        Extension,
        Standing,
        Stop,
        Term,
        received_on,
    )
    from lineage_store.deadlines.working_days import NO_HOLIDAYS, Holidays, read_holidays
else:
    __getattr__ = lazily(
        __name__,
        {
            "regime": ("Period", "Regime", "known_regimes", "read_regimes"),
            "term": (
                "CANNOT_IDENTIFY",
                "MORE_IS_NEEDED",
                "Extension",
                "Standing",
                "Stop",
                "Term",
                "received_on",
            ),
            "working_days": ("NO_HOLIDAYS", "Holidays", "read_holidays"),
        },
    )

__all__ = [
    "CANNOT_IDENTIFY",
    "MORE_IS_NEEDED",
    "NO_HOLIDAYS",
    "Extension",
    "Holidays",
    "Period",
    "Regime",
    "Standing",
    "Stop",
    "Term",
    "known_regimes",
    "read_holidays",
    "read_regimes",
    "received_on",
]
