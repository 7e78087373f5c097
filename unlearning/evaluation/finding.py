"""What one check found: its outcome, and the same measure of all three models.

A check is put to each model in the place of the unlearned one. It tells something about this
deletion only if the untouched model does not pass it and the retrained one does not fail it
(law 6): otherwise the outcome is *uninformative*, whatever it says of the unlearned model.

    evidence   passes if the unlearned model is like the retrained one where the untouched is not
    guard      looks for harm; holding is no evidence of forgetting, so a guard fails or tells
               nothing
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from unlearning.attacks.roc import Interval
from unlearning.evaluation.models_compared import KINDS, Kind
from unlearning.verification.controlled import Outcome

Role = Literal["evidence", "guard"]


@dataclass(frozen=True)
class Measure:
    """A number of each model, with its interval; a kind that there is no run of has none."""

    name: str
    unit: str
    values: Mapping[Kind, Interval]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, with null for a kind without runs."""
        value: dict[str, Any] = {"name": self.name, "unit": self.unit}
        for kind in KINDS:
            value[kind] = asdict(self.values[kind]) if kind in self.values else None
        return value


@dataclass(frozen=True)
class Finding:
    """One check; `by_model` says what each model got in the unlearned one's place."""

    name: str
    role: Role
    outcome: Outcome
    detail: str
    measure: Measure | None = None
    by_model: Mapping[Kind, Outcome] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {
            "name": self.name,
            "role": self.role,
            "outcome": self.outcome,
            "detail": self.detail,
            "measure": None if self.measure is None else self.measure.to_json(),
            "by_model": None if self.by_model is None else dict(self.by_model),
        }


def controlled_finding(
    name: str,
    role: Role,
    by_model: Mapping[Kind, Outcome],
    *,
    detail: str,
    measure: Measure | None,
) -> Finding:
    """Decide from what each model got; `detail` says what was measured."""
    outcome = by_model["unlearned"]
    if by_model["retrained"] == "failed":
        outcome, detail = "uninformative", f"the retrained model fails it too: {detail}"
    elif role == "evidence" and by_model["untouched"] == "passed":
        outcome, detail = "uninformative", f"the untouched model passes it too: {detail}"
    elif role == "guard" and outcome == "passed":
        outcome = "uninformative"
        detail = f"no harm is seen (no evidence of forgetting): {detail}"
    return Finding(name, role, outcome, detail, measure, by_model)
