"""What a model is worth, beside what always the same answer would give, and how it is cut."""

from collections.abc import Mapping
from typing import Any

from lineage_store.counted import counted

MEASURED = {
    "accuracy": ("accuracy", "the majority"),
    "log_loss": ("log loss", ""),
    "auc": ("AUC", ""),
    "rmse": ("RMSE", "the mean"),
    "r2": ("R2", ""),
    "hit_rate": ("hit rate at 10", "the most used"),
    "explained": ("share of the spread that clusters explain", ""),
    "pairs_in_order": ("pairs in order", ""),
}


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """Return metrics as one line, beside what always the same answer would give."""
    if not metrics.get("rows"):
        return "no evaluation rows"
    if "histories" in metrics:
        of, number = "histories", metrics["histories"]
    else:
        of, number = "rows", metrics["rows"]
    if not number:
        return "no evaluation histories"
    found = []
    for name, (text, whose) in MEASURED.items():
        if name in metrics:
            beside = metrics.get("baseline", {}).get(name) if whose else None
            always = "" if beside is None else f" ({whose} {_figure(beside)})"
            found.append(f"{text} {_figure(metrics[name])}{always}")
    if not metrics.keys() & {
        "log_loss",
        "rmse",
        "histories",
        "explained",
    }:  # of a model that has ended
        kept = [name for name in ("accuracy", "hit_rate") if name in metrics]
        found = [f"{MEASURED[name][0]} {metrics[name]:.0%}" for name in kept] or ["not kept"]
    line = f"{', '.join(found)} on {number:,} {of}"
    further = metrics.get("further_labels", {}).items()
    return "; ".join([line, *(f"{name!r} {metrics_text(one)}" for name, one in further)])


def baseline_warning(metrics: Mapping[str, Any]) -> list[str]:
    """Warn of a model that does worse than always the same answer."""
    if not below_baseline(metrics):
        return []
    if "hit_rate" in metrics:
        worse = "the model does worse than always recommending the most used items"
        return [f"  warning     {worse}: it needs longer histories, or more of them"]
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
    return [
        f"  once {counted(more, 'row is', 'rows are')} forgotten (below {border:,}), all is "
        f"trained anew in fewer"
    ]


def below_baseline(metrics: Mapping[str, Any]) -> bool:
    """Say whether a model does worse than always the same answer; of an older one, no.

    Of one that ranks rows in groups the order counts: its answers need not be of the label's size.
    """
    if metrics.get("pairs_in_order", 0.0) > 0.5:
        return False
    baseline = metrics.get("baseline", {})
    shares = ("accuracy", "hit_rate")
    worse = any(metrics.get(name, 1.0) < baseline.get(name, 0.0) for name in shares)
    return bool(worse or metrics.get("rmse", 0.0) > baseline.get("rmse", float("inf")))


def _figure(value: float) -> str:
    """Write a figure with four digits behind the point, or as many as tell something."""
    return f"{value:.4f}" if 0.001 <= abs(value) < 1e6 or not value else f"{value:.4g}"
