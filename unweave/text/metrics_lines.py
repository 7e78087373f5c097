"""What a model is worth, beside what always the same answer would give, and how it is cut."""

from collections.abc import Mapping
from typing import Any

MEASURED = {
    "accuracy": ("accuracy", "the majority"),
    "log_loss": ("log loss", ""),
    "auc": ("AUC", ""),
    "rmse": ("RMSE", "the mean"),
    "r2": ("R2", ""),
}


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """Return metrics as one line, beside what always the same answer would give."""
    if not metrics.get("rows"):
        return "no evaluation rows"
    found = []
    for name, (text, whose) in MEASURED.items():
        if name in metrics:
            beside = metrics.get("baseline", {}).get(name) if whose else None
            told = "" if beside is None else f" ({whose} {_figure(beside)})"
            found.append(f"{text} {_figure(metrics[name])}{told}")
    if not metrics.keys() & {"log_loss", "rmse"}:  # of a model that has ended
        found = [f"accuracy {metrics['accuracy']:.0%}"] if "accuracy" in metrics else ["not kept"]
    return f"{', '.join(found)} on {metrics['rows']:,} rows"


def baseline_warning(metrics: Mapping[str, Any]) -> list[str]:
    """Warn of a model that does worse than always the same answer."""
    if not below_baseline(metrics):
        return []
    answer = "the majority's class" if "accuracy" in metrics else "the mean"
    return [
        f"  warning     the model does worse than always answering {answer}: look at its columns, "
        f"or train it longer (--epochs)"
    ]


def border_line(answer: Mapping[str, Any]) -> list[str]:
    """Say how far the next border of the default partition is."""
    border = answer["next_border"]
    if border is None:
        return []
    more = answer["rows"] - border + 1
    return [f"  once {more:,} rows are forgotten (below {border:,}), all is trained anew in fewer"]


def below_baseline(metrics: Mapping[str, Any]) -> bool:
    """Say whether a model does worse than always the same answer; of an older one, no."""
    baseline = metrics.get("baseline", {})
    worse = metrics.get("accuracy", 1.0) < baseline.get("accuracy", 0.0)
    return bool(worse or metrics.get("rmse", 0.0) > baseline.get("rmse", float("inf")))


def _figure(value: float) -> str:
    """Write a figure with four digits behind the point, or as many as tell something."""
    return f"{value:.4f}" if 0.001 <= abs(value) < 1e6 or not value else f"{value:.4g}"
