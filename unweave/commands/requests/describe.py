"""`unweave describe`: who answers for the data, and what for (Article 30(1) GDPR)."""

from pathlib import Path

import click

from unweave.options.once import Once
from unweave.options.queue_commands import show_queue
from unweave.options.shared import JSON, WORKSPACE, project_of


@click.command(cls=Once)
@WORKSPACE
@click.option("--name", help="The controller: who answers for the data.")
@click.option("--contact", help="How to reach it.")
@click.option("--officer", help="Its data protection officer, and how to reach them.")
@click.option("--authority", help="The supervisory authority over it.")
@click.option("--joint", help="Joint controllers, if there are any.")
@click.option("--representative", help="Its representative in the Union, if it has one.")
@click.option("--purposes", help="What the data are processed for.")
@click.option("--people", help="The categories of people whose data they are.")
@click.option("--data", help="The categories of personal data.")
@click.option("--recipients", help="The categories of recipients.")
@click.option(
    "--transfers", help="Transfers to third countries, and their safeguards; none, if none."
)
@click.option("--retention", help="How long data are kept.")
@click.option("--security", help="The measures of security, in general.")
@click.option("--source", help="Where data come from that are not had from the people.")
@click.option(
    "--decisions", help="Automated decisions, their logic and consequences; none, if none."
)
@JSON
def describe(
    workspace: Path,
    name: str | None,
    contact: str | None,
    officer: str | None,
    authority: str | None,
    joint: str | None,
    representative: str | None,
    purposes: str | None,
    people: str | None,
    data: str | None,
    recipients: str | None,
    transfers: str | None,
    retention: str | None,
    security: str | None,
    source: str | None,
    decisions: str | None,
    as_json: bool,
) -> None:
    """Say who answers for the data, and what for, as letters and records have it; or show it."""
    with project_of(workspace, progress=False) as project:
        answer = project.requests.describe(
            name=name,
            contact=contact,
            officer=officer,
            authority=authority,
            joint=joint,
            representative=representative,
            purposes=purposes,
            people=people,
            data=data,
            recipients=recipients,
            transfers=transfers,
            retention=retention,
            security=security,
            source=source,
            decisions=decisions,
        )
    show_queue(answer, as_json, "described")
