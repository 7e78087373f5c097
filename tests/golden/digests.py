"""What of the answers of golden workspaces can be compared, and what of it no processor can change.

The latter stands in `digests.json`, so that a recipe cannot change unseen. In `tests/`,
`python -m golden.digests` writes it again, from what the old code answers: after a change of the
recipe, and never because today's code answers something else.
"""

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("digests.json")


def planned(answer: dict[str, Any]) -> dict[str, Any]:
    """What a plan comes to, without seconds and bytes."""
    return {
        "rows": answer["rows_found"],
        "steps": [answer["steps_planned"], answer["steps_full"]],
        "models": [
            {
                "strategy": plan["strategy"],
                "guarantee": plan["guarantee"],
                "steps": [plan["steps_planned"], plan["steps_full"]],
                "shards": [[d["shard"], d["action"], d["steps"]] for d in plan["shards"]],
                "verdicts": verdicts(plan),
            }
            for plan in answer["plans"]
        ],
    }


def forgotten(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """What a deletion came to, model by model, without weights, times and paths."""
    same = (
        "strategy", "guarantee", "basis", "rows_found", "affected_shards", "steps_recomputed",
        "steps_full", "updates_subtracted",
    )  # fmt: skip
    return [
        {
            **{name: change[name] for name in same},
            "checks": [[check["name"], check["outcome"]] for check in change["checks"]],
            "verdicts": verdicts(change),
        }
        for change in answer["models"]
    ]


def as_told_before(new: list[dict[str, Any]], was: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is told of models now, less what the engine has learnt to say besides.

    It has checks of its own, and proves fewer units unaffected: of each kind there must be as many
    as before, and none may be proven that was not.
    """
    told = []
    for one, old in zip(new, was, strict=True):
        known = [check for check in one.get("checks", []) if check in old.get("checks", [])]
        kinds: Counter[str] = Counter()
        before: Counter[str] = Counter()
        for counted, verdicts in ((kinds, one["verdicts"]), (before, old["verdicts"])):
            for name, count in verdicts.items():
                counted[name.split()[0]] += count
        proven = [name for name in one["verdicts"] if name.endswith("proven unaffected")]
        stricter = kinds == before and all(
            one["verdicts"][name] <= old["verdicts"].get(name, 0) for name in proven
        )
        told.append(
            {
                **one,
                **({"checks": known} if "checks" in one else {}),
                "verdicts": old["verdicts"] if stricter else one["verdicts"],
            }
        )
    return told


def weights(answer: dict[str, Any]) -> list[list[str | None]]:
    """The digests of all weights before a deletion and after it."""
    return [
        [change["weights_digest_before"], change["weights_digest_after"]]
        for change in answer["models"]
    ]


def verdicts(plan: dict[str, Any]) -> dict[str, int]:
    """How many artifacts of each kind have which verdict."""
    counts: Counter[str] = Counter()
    for one in plan["verdicts"]:
        counts[f"{one['kind']} {one['verdict']}"] += one["count"]
    return dict(counts)


def keys_of(value: Any, at: str = "") -> set[str]:
    """Return the places of all keys of an answer, such as `models[].state`."""
    if isinstance(value, dict):
        here = {f"{at}.{key}".lstrip(".") for key in value}
        below = (keys_of(inner, f"{at}.{key}".lstrip(".")) for key, inner in value.items())
        return here.union(*below)
    if isinstance(value, list):
        return set().union(*(keys_of(inner, f"{at}[]") for inner in value))
    return set()


def differences(old: Any, new: Any, at: str = "") -> set[str]:
    """Return where an answer lacks something that an older one has, or has another value there."""
    if isinstance(old, dict) and isinstance(new, dict):
        places = {key: f"{at}.{key}".lstrip(".") for key in old}
        return set().union(
            *(
                differences(value, new[key], places[key]) if key in new else {places[key]}
                for key, value in old.items()
            )
        )
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return set().union(*(differences(one, other, f"{at}[]") for one, other in pairs))
    return set() if old == new else {at}


def summary(answers: dict[str, Any], *, rounded: frozenset[str]) -> dict[str, Any]:
    """Return what is written down of a workspace's answers.

    Of configurations whose steps follow from losses, which a processor rounds, only keys are.
    """

    def of(kind: str, told: Any) -> dict[str, Any]:
        return {name: told(one) for name, one in answers[kind].items() if name not in rounded}

    return {
        "trained": of("trained", lambda one: [one["steps"], one["rows_by_split"]]),
        "planned": of("planned", planned),
        "forgotten": of("forgotten", forgotten),
        "keys": {
            kind: sorted(set().union(*map(keys_of, answers[kind].values())))
            for kind in ("trained", "planned", "forgotten")
        },
    }


def main() -> None:
    """Write `digests.json` from what the old code answers."""
    from golden.recipe import DIRECT, ROUNDED
    from golden.workspaces import make

    with tempfile.TemporaryDirectory() as folder:
        answers = make(Path(folder) / "golden", DIRECT).answers
    text = json.dumps(summary(answers, rounded=ROUNDED), indent=1, sort_keys=True)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
