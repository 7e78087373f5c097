"""The answers of commands that leave a run open, and of those that run its components."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.jobs import LeftOpen


def opened(left: "LeftOpen") -> dict[str, Any]:
    """Return what `train` and `run-requests` say of a run that they leave open.

    `replaced` are the models that have a branch of components each.
    """
    return {"run": left.run, "replaced": list(left.replaced)}
