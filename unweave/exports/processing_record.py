"""The record of processing activities of Article 30(1) GDPR, its points (a) to (g) in their order.

What nobody has described is printed as missing: an authority that asks for the record sees what it
lacks, and so does whoever keeps it (`unweave describe`).
"""

from dataclasses import dataclass

from lineage_store.index.models import ModelRecord
from unweave.exports.export import Exported, Files
from unweave.exports.markdown import bullets, described, document, plain


@dataclass(frozen=True)
class ProcessingRecord:
    """The record of the whole workspace, as Markdown."""

    name: str = "record"
    of_one_model: bool = False

    def written(self, exported: Exported, model: ModelRecord | None) -> Files:
        """Return the record."""
        who = exported.controller
        return document(
            ["# Record of processing activities (Article 30(1) GDPR)"],
            [f"As of {exported.as_of[:10]}."],
            bullets(
                [
                    ("(a) controller", described(who.name)),
                    ("contact", described(who.contact)),
                    ("joint controllers", plain(who.joint) if who.joint else "none named"),
                    ("representative", plain(who.representative or "none named")),
                    ("data protection officer", described(who.officer)),
                    ("supervisory authority", described(who.authority)),
                    ("(b) purposes", described(who.purposes)),
                    ("(c) people", described(who.people)),
                    ("(c) data", described(who.data)),
                    ("(d) recipients", described(who.recipients)),
                    ("(e) transfers to third countries", described(who.transfers)),
                    ("(f) kept until", described(who.retention)),
                    ("(g) measures of security", described(who.security)),
                ]
            ),
            ["## Models"],
            _models(exported),
            ["## Recipients by name"],
            _recipients(exported),
        )


def _models(exported: Exported) -> list[str]:
    live = exported.live()
    if not live:
        return ["No model is live."]
    lines = ["| model | name | purpose | owner | legal basis | kept |", "|---|---|---|---|---|---|"]
    for one in live:
        named, said = exported.named_as(one), exported.said_of(one)
        name = None if named is None else named.name
        told_of = (name, said.purpose, said.owner, said.legal_basis, said.retention)
        lines.append(f"| {one.id} | {' | '.join(map(described, told_of))} |")
    return lines


def _recipients(exported: Exported) -> list[str]:
    if not exported.recipients:
        return ["None is recorded."]
    return bullets(
        (
            plain(one.name),
            f"{'all models' if one.line is None else f'the line of {one.line}'}, since {one.since}"
            + ("" if one.until is None else f", until {one.until}"),
        )
        for one in exported.recipients
    )
