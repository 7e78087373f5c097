"""The rules that a certificate keeps, beyond its shape: what it says is consistent with itself.

Anybody can seal anything, and the operator's own signature says only that the operator sealed it.
So `verify` holds every statement to these rules, each a sentence that is shown where it is broken.
They need nothing but the statement, which has the shape of a certificate (`shape`).

What a rule cannot see is whether a certificate is true: for that there are the log, the receipt,
the audit and the replay.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lineage_store.canonical import digest_json
from lineage_store.claim import Claim, claim_of
from unlearning.certificates.shape import time_of
from unlearning.verification.twin_distance import UNMEASURED

Told = Mapping[str, Any]


@dataclass(frozen=True)
class Rule:
    """One sentence, and whether it holds."""

    says: str
    holds: Callable[[Told], bool]


def broken(statement: Told) -> str | None:
    """Return the first rule that a statement breaks, as a sentence; None if it keeps them all."""
    predicate = statement["predicate"]
    judged = [(rule, statement) for rule in OF_THE_STATEMENT]
    judged += [(rule, predicate) for rule in OF_THE_PREDICATE]
    judged += [(rule, change) for change in predicate["models"] for rule in OF_EACH_MODEL]
    return next((rule.says for rule, part in judged if not rule.holds(part)), None)


def _subjects_are_the_models(statement: Told) -> bool:
    expected = []
    for change in statement["predicate"]["models"]:
        for when in ("before", "after"):
            if (model := change[when]) is not None:
                digest = {"sha256": model["weights"]}
                expected.append({"name": f"weights of {model['id']}, {when}", "digest": digest})
    return bool(statement["subject"] == expected)


OF_THE_STATEMENT = (
    Rule(
        "The subjects are the weights of the models before and after, and no others.",
        _subjects_are_the_models,
    ),
)


def _digest_is_the_requests(predicate: Told) -> bool:
    request = predicate["request"]
    facts = {name: request[name] for name in ("id", "requested")}
    return bool(request["digest"] == digest_json(facts))


def _certified_after_it_was_requested(predicate: Told) -> bool:
    begun, ended = predicate["request"]["requested"], predicate["certified"]
    return time_of(ended) >= time_of(begun)


def _event_is_the_requests(predicate: Told) -> bool:
    request, event = predicate["request"], predicate["log"]["event"]
    body = {"request": request["id"], "digest": request["digest"]}
    return bool(event["body"] == body and event["time"] == request["requested"])


def _each_model_ends_and_begins_once(predicate: Told) -> bool:
    models = [change[when] for when in ("before", "after") for change in predicate["models"]]
    ids = [model["id"] for model in models if model is not None]
    return len(ids) == len(set(ids))


def _no_model_loses_more(predicate: Told) -> bool:
    if "run" in predicate:  # the rows are one person's, and those of the models the whole run's
        return True
    lost = [sum(change["rows"].values()) for change in predicate["models"]]
    return bool(max(lost) <= predicate["rows"]["count"])


def _somebody_asked(predicate: Told) -> bool:
    if "run" in predicate:
        return len(predicate["subjects"]) == 1
    return bool(predicate["subjects"]) or "upgrades" in predicate


OF_THE_PREDICATE = (
    Rule("The digest of the request is that of its id and time.", _digest_is_the_requests),
    Rule("It was certified when it was requested, or later.", _certified_after_it_was_requested),
    Rule("The event of the log is that of this request, at its time.", _event_is_the_requests),
    Rule(
        "Of what was deleted the scan found nothing.",
        lambda predicate: predicate["erasure"]["found"] == 0,
    ),
    Rule("A model ends once, and another takes its place.", _each_model_ends_and_begins_once),
    Rule("No model loses more rows than the request has.", _no_model_loses_more),
    Rule(
        "It names whom it is for, by commitment, or which approximate runs it makes exact.",
        _somebody_asked,
    ),
    Rule(
        "What makes approximate runs exact is exact itself.",
        lambda predicate: (
            "upgrades" not in predicate
            or any(_claim(change).settles for change in predicate["models"])
        ),
    ),
)


def _claim(change: Told) -> Claim:
    """What the result claims; certificates of an earlier unweave have the word alone."""
    if "claim" in change:
        return Claim.from_json(change["claim"])
    return claim_of(change["guarantee"])


def _word_is_the_claims(change: Told) -> bool:
    return bool(_claim(change).word == change["guarantee"])


def _strategy_can_give_it(change: Told) -> bool:
    from unlearning.strategies.known_strategies import known_strategy

    strategy = known_strategy(change["strategy"])
    # One that was registered elsewhere is not known here: nothing can be said against it.
    return strategy is None or strategy.claim.weaker(_claim(change)).level == _claim(change).level


def _withdrawn_as_a_whole(change: Told) -> bool:
    withdrawn = change["after"] is None
    said = change["verification"]["rung"] == "withdrawn"
    empty = not any(name in change for name in ("checks", "basis", "distance_to_twin", "learnt"))
    return said and empty if withdrawn else not said


def _checks_are_there(change: Told) -> bool:
    return change["after"] is None or ("checks" in change and "fixed_by_the_user" in change)


def _no_check_failed(change: Told) -> bool:
    return all(check["outcome"] != "failed" for check in change.get("checks", ()))


def _rung_is_what_was_shown(change: Told) -> bool:
    if change["after"] is None:
        return True
    rung, how = (change["verification"][name] for name in ("rung", "how"))
    if _claim(change).settles:
        bridged = _claim(change).bridged is not None
        shown = _claim(change).in_words() if bridged else change.get("basis")
        return "basis" in change and (rung, how) == ("bits", shown)
    measured = change.get("distance_to_twin", UNMEASURED) != UNMEASURED
    return bool(rung == ("distance" if measured else "none"))


def _replay_was_a_check(change: Told) -> bool:
    by_replay = change.get("basis") == "by replay"
    return not by_replay or any("twin" in check["name"] for check in change.get("checks", ()))


APPROXIMATE_ALONE = ("distance_to_twin", "closeness", "exact_due_by", "kept_for_later", "updates")


def _says_what_its_kind_says(change: Told) -> bool:
    if _claim(change).settles:
        return not any(name in change for name in APPROXIMATE_ALONE)
    return "basis" not in change


def _nothing_derived_is_exact(change: Told) -> bool:
    derived = any(one["verdict"].startswith("retained") for one in change["verdicts"])
    return not (_claim(change).settles and derived)


def _parts_are_no_more_than_wholes(change: Told) -> bool:
    updates, bridged = change.get("updates"), _claim(change).bridged
    fits = updates is None or bool(updates["affected"] <= updates["of"])
    if bridged is not None:
        fits = fits and bridged.again <= bridged.total and _claim(change).settles
    return fits


def _kept_until_a_day(change: Told) -> bool:
    kept = change.get("kept_for_later")
    if kept is None:
        return True
    until = f"retained: derived until {kept['until']}"
    return bool(kept["verdict"] == (until if kept["updates"] or kept["states"] else "erased"))


OF_EACH_MODEL = (
    Rule("A result is called by the word for its claim.", _word_is_the_claims),
    Rule("A result is called no more than its strategy can give.", _strategy_can_give_it),
    Rule("A model was withdrawn if nothing takes its place, and only then.", _withdrawn_as_a_whole),
    Rule("A model that takes the place of another was checked.", _checks_are_there),
    Rule("No check failed.", _no_check_failed),
    Rule("The rung is the one that was shown: bits if exact, else a distance or none.",
         _rung_is_what_was_shown),
    Rule("What is exact by replay was compared with the twin.", _replay_was_a_check),
    Rule("An exact result says nothing that only an approximate one says, and the other way round.",
         _says_what_its_kind_says),
    Rule("An exact result leaves nothing that depends on deleted rows.", _nothing_derived_is_exact),
    Rule("No part is larger than its whole.", _parts_are_no_more_than_wholes),
    Rule("What is kept for later is kept until a day, under its verdict.", _kept_until_a_day),
)  # fmt: skip
