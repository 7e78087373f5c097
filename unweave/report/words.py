"""A report in plain words, for a reader who has to answer for the deletion and not to compute it.

Every sentence follows from the report's values. An approximate result is called so in the first
word of the headline, and what was not measured is said to be not measured.
"""

from collections.abc import Sequence

from lineage_store.claim import APPROXIMATE, BITS
from lineage_store.counted import counted, of_them
from unlearning.verification import CLOSER, UNMEASURED, Check
from unweave.report.numbers import day, moment, size
from unweave.report.values import ModelChange, Report

MODELS_TOLD = 3
REQUESTS_TOLD = 5
SERVE = "places that serve"
# How `checks.controlled` begins what it says of a check that tells the two models apart.
CONTROLLED = "it holds, and fails for the untouched model: "

SPLITS = {
    "train": "trained on",
    "eval": "only evaluated on",
    "unlabelled": "kept without a label",
}


def headline(report: Report) -> tuple[str, str]:
    """Return what the result is called, and what that means, to be read in one size."""
    left = [one for one in report.models if one.after is not None]
    several = len(report.models) > 1
    claim = report.claim
    if claim is None:
        end = "models were" if several else "model was"
        return "Withdrawn.", f"Nothing is left to learn without these rows; the {end} taken away."
    if claim.settles:
        these = "The models are those" if len(left) > 1 else "The model is the one"
        away = len(report.models) - len(left)
        rest = f"; {counted(away, 'other')} went, with nothing left to learn" if away else ""
        if bridges := [one.bridged for one in left if one.bridged is not None]:
            meant = "as far as a sample of what is kept of the old model shows"
            return "Bridged.", f"{these} that training without these rows gives, {meant}: " + (
                f"{bridges[-1]}{rest}."
            )
        now = "models now in use are" if len(left) > 1 else "model now in use is"
        ones = "those" if len(left) > 1 else "the one"
        never = "there would be if these rows had never been in the data"
        return "Done, exactly.", f"The {now}, byte for byte, {ones} {never}{rest}."
    if claim.word != APPROXIMATE.word:
        return (
            "Certified.",
            "How far the result may be from training without these rows is bounded.",
        )
    weak = [one for one in report.models if one.weak]
    if several and len(weak) < len(report.models):
        some = f"{of_them(len(weak), len(report.models), 'model')}"
        return "Approximate.", f"{some}: not what training without these rows gives."
    measured = [one for one in weak if one.near != UNMEASURED]
    if any(one.near != CLOSER for one in measured):
        return (
            "Approximate, and no progress.",
            "The result is no nearer to training without these rows than the old model was.",
        )
    if not measured:
        return (
            "Approximate.",
            "How near the result is to training without these rows was not measured.",
        )
    if len(measured) < len(weak):
        return (
            "Approximate.",
            f"How near {of_them(len(weak) - len(measured), len(weak), 'model')} are to "
            f"training without "
            f"these rows was not measured.",
        )
    return (
        "Approximate.",
        "The result is nearer to training without these rows than the old model was, not equal.",
    )


def what_was_asked(report: Report) -> list[str]:
    """Say what was asked."""
    what = (
        f"{counted(report.subjects, 'data subject')} (a person, a company or a source of data)"
        if report.kind == "subject"
        else f"{counted(report.subjects, 'row')}, named one by one"
    )
    how = f"with a result that is {report.guarantee_asked}"
    if report.guarantee_asked is None:
        how = "exactly, as no other guarantee was named"
    elif report.guarantee_asked == BITS.word:
        how = "exactly"
    if report.strategy_asked is not None:
        how = f"by the strategy {report.strategy_asked}"
    began = "the deletion began, to forget" if report.served else "it was asked to forget"
    return [
        f"On {moment(report.requested)} {began} {what}, {how}.",
        *_served(report),
        "Names and ids are left out here on purpose. The requester's receipt shows that the "
        "certificate speaks of them.",
    ]


def _served(report: Report) -> list[str]:
    """Say which requests it answers, since when they were there, and whether in time."""
    lines = [
        f"It answers the request {one.id}, received on {day(one.received)}, due by {day(one.due)}"
        + (f", done on {day(one.done[:10])}" if one.done else "")
        + (": late." if one.late else ": in time.")
        for one in report.served[:REQUESTS_TOLD]
    ]
    more = report.served[REQUESTS_TOLD:]
    if more:
        late = sum(one.late for one in more)
        lines.append(f"And {counted(len(more), 'more request')}, {late or 'none'} of them late.")
    return lines


def what_was_found(report: Report) -> list[str]:
    """Say what was found."""
    lines = [f"{counted(report.rows, 'row')} in the data."]
    for one in report.models[:MODELS_TOLD]:
        parts = [
            f"{number:,} {where}" for name, where in SPLITS.items()
            if (number := one.rows_by_split.get(name, 0))
        ]  # fmt: skip
        if parts:
            lines.append(f"In {one.before}: {', '.join(parts)}.")
        elif one.base is not None:
            lines.append(f"{one.before} held none, and was trained from {one.base.before}.")
        else:
            lines.append(f"{one.before} held none.")
    return lines + _rest(report)


def what_was_done(report: Report) -> list[str]:
    """Say what was done."""
    lines = [_done(one) for one in report.models[:MODELS_TOLD]] + _rest(report)
    scan = report.erasure
    traces = "no trace" if not scan["found"] else counted(scan["found"], "trace")
    lines.append(
        f"The rows, the old {'models' if len(report.models) > 1 else 'model'} and what had learnt "
        f"from the rows were erased. {counted(scan['files_scanned'], 'file')} "
        f"(up to {size(scan['bytes_scanned'])}) were then searched for up to "
        f"{counted(scan['patterns'], 'key or id', 'keys and ids')}: {traces} was found."
    )
    kept = [one for one in report.models if one.derived_until]
    if kept:
        lines.append(
            f"Kept until {day(kept[-1].derived_until or '')}, to serve the approximate result: "
            f"what was computed after the rows had been learnt."
        )
    if report.upgrades:
        lines.append(f"This makes exact what {' and '.join(report.upgrades)} did approximately.")
    return lines


def what_comes_next(report: Report) -> list[str]:
    """Say what is left to do, and by which command."""
    lines = []
    if report.served:
        names = ", ".join(one.id for one in report.served[:REQUESTS_TOLD])
        more = len(report.served) - REQUESTS_TOLD
        rest = f" and {counted(more, 'more request')}" if more > 0 else ""
        lines.append(f"Who asked is answered: unweave request answer-pack, for {names}{rest}.")
    if (recipients := report.recipients) is not None and recipients.done < recipients.of:
        left = of_them(recipients.of - recipients.done, recipients.of, "recipient")
        lines.append(f"Still to be told (Article 19): {left}, see unweave recipient list.")
    if (places := report.places) is not None and places.done < places.of:
        left = of_them(places.of - places.done, places.of, "place that serves", SERVE)
        lines.append(f"Not confirmed yet: {left}, see unweave serving list.")
    due = [one.exact_due_by for one in report.models if one.exact_due_by]
    if due:
        lines.append(f"An exact result is due by {day(min(due))}: unweave run-requests.")
    return lines or ["Nothing that unweave knows of. Source files, backups and copies are yours."]


def proves(report: Report) -> list[str]:
    """Say what this proves."""
    lines = []
    by = {
        basis: [
            one
            for one in report.models
            if one.settled and one.basis == basis and one.bridged is None
        ]
        for basis in ("by construction", "by replay")
    }  # fmt: skip
    lines += [
        f"{one.after} keeps what was trained with other code or in another environment, where "
        f"taking a sample of it again gave the same bits: {one.bridged}."
        for one in report.models[:MODELS_TOLD]
        if one.bridged is not None
    ]
    if made := by["by construction"]:
        lines.append(
            f"The new weights{_of(report, made)} are, byte for byte, those of the same training "
            f"without the rows. This follows from how training is cut up and recorded; no second "
            f"model was trained to compare."
        )
    if made := by["by replay"]:
        lines.append(
            f"A second model was trained from nothing without the rows. All weights"
            f"{_of(report, made)} are equal to its, byte for byte."
        )
    if weak := [one for one in report.models if one.weak]:
        lines.append(
            "What was announced was done, and rows and old weights are gone from the workspace."
        )
        measured = [one for one in weak if one.near != UNMEASURED]
        lines += [_near(one) for one in measured[:MODELS_TOLD]]
        if unmeasured := [one for one in weak if one.near == UNMEASURED]:
            lines.append(
                f"How far {_names(unmeasured)} {'is' if len(unmeasured) == 1 else 'are'} from "
                f"training without the rows was not measured."
            )
    if report.claim is None:
        lines.append("The model is served no more, and its weights are gone from the workspace.")
    lines += _checks(report)
    for one in report.models[:MODELS_TOLD]:
        if one.judged is not None:
            rest = f", by its {one.judged.rung}" if one.judged.rung else ""
            lines.append(
                f"Judged beside the old model, {one.after} is called {one.judged.outcome}{rest}."
            )
    lines.append(
        f"The certificate is signed and {_logged(report)}; unweave verify checks it offline."
    )
    return lines


def proves_not(report: Report, *, evaluated: bool) -> list[str]:
    """Say what this does not prove."""
    lines = []
    if report.claim is not None and report.claim.word == APPROXIMATE.word:
        lines.append("That the rows have no influence left: some may remain in the new weights.")
    elif report.claim is not None:
        lines.append(
            "Anything beyond what the user fixed: configuration, model code and workspace secret."
        )
    if not evaluated and not any(one.judged for one in report.models):
        lines.append("How the models behave under attack: this was not measured.")
    lines.append(f"Anything about {', '.join(report.not_covered[:-1])}, or "
                 f"{report.not_covered[-1]}." if len(report.not_covered) > 1
                 else f"Anything about {''.join(report.not_covered)}.")  # fmt: skip
    if report.claim is not None:
        lines.append(
            "That nobody can tell that something was deleted: who kept the old model can compare."
        )
    return lines


def nearness(one: ModelChange) -> str:
    """Say in a few words how near a result is to the retrained twin."""
    if one.bridged is not None:
        return one.bridged
    if one.settled:
        return "equal to the twin" if one.basis == "by replay" else "equal, by construction"
    if one.near == UNMEASURED:
        return "not measured"
    if one.near == CLOSER:
        return "closer than the untouched model"
    return "not closer than the untouched model: no progress"


def controls(check: Check) -> tuple[str, str]:
    """Return what a check says of the new model, and of the untouched one."""
    if check.detail.startswith(CONTROLLED):
        return "it holds", f"it fails: {check.detail.removeprefix(CONTROLLED)}"
    if check.outcome == "uninformative":
        return "tells nothing", check.detail
    return check.detail, "does not apply"


def _of(report: Report, which: Sequence[ModelChange]) -> str:
    """Name the new models that a sentence is about, if it is not about all there are."""
    return "" if len(which) == len(report.models) else f" of {_names(which)}"


def _names(which: Sequence[ModelChange]) -> str:
    names = [one.after or one.before for one in which[:MODELS_TOLD]]
    more = len(which) - len(names)
    if more:
        return f"{', '.join(names)} and {more:,} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _rest(report: Report) -> list[str]:
    more = len(report.models) - MODELS_TOLD
    return [f"And {counted(more, 'model')} more: see below."] if more > 0 else []


def _done(one: ModelChange) -> str:
    if one.after is None:
        because = one.why.removeprefix("the model is withdrawn: ").rstrip(".")
        return f"{one.before} was taken away: {because}."
    sentence = f"{one.after} replaces {one.before}" + (f" as {one.name}" if one.name else "")
    if one.base is not None:
        sentence += f" and starts from {one.base.after}" if one.base.after else " and starts afresh"
    touched, whole = len(one.touched), len(one.shards)
    retrained = [decision for decision in one.touched if decision.anew]
    how = []
    if retrained:
        how.append(f"{len(retrained)} of {counted(whole, 'shard')} trained again without the rows")
        if one.cost.full:  # a family of sums takes no steps
            how[-1] += f", {of_them(one.cost.taken, one.cost.full, 'step')}"
    how += one.done
    if not touched:
        how.append("no shard had learnt from the rows, so all were taken over")
    elif touched < whole:
        how.append(f"{counted(whole - touched, 'shard')} never saw them and stayed")
    return f"{sentence}: {'; '.join(how)}."


def _near(one: ModelChange) -> str:
    nearer = f"closer to training without the rows than {one.before} was"
    if one.near == CLOSER:
        return f"Measured: {one.after} is {nearer}."
    return f"Measured: {one.after} is not {nearer}: no progress."


def _checks(report: Report) -> list[str]:
    every = [check for one in report.models for check in one.checks]
    apart = [check for check in every if check.detail.startswith(CONTROLLED)]
    nothing = [check for check in every if check.outcome == "uninformative"]
    lines = []
    if apart:
        verb, fails = ("holds", "fails") if len(apart) == 1 else ("hold", "fail")
        lines.append(
            f"{counted(len(apart), 'check')} that {verb} for the result {fails} for the old model, "
            f"as {'it' if len(apart) == 1 else 'they'} must."
        )
    if nothing:
        tell = "tells" if len(nothing) == 1 else "tell"
        lines.append(f"{counted(len(nothing), 'check')} {tell} nothing here: see below.")
    return lines


def _logged(report: Report) -> str:
    if report.proof.position is None:
        return "not in the event log"
    return f"stands in the event log as number {report.proof.position:,}"


def environment_lines(report: Report) -> Sequence[tuple[str, str]]:
    """Return the environment as names and values."""
    known = dict(report.proof.environment)
    packages = known.pop("packages", {})
    return [(name.replace("_", " "), str(value)) for name, value in {**known, **packages}.items()]
