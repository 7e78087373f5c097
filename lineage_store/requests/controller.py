"""Who answers for the data, and what for: the record of processing (GDPR, Article 30(1)).

Letters name the controller, the answer to an access request what Article 15(1) and (2) ask for,
which is much the same; `source` and `decisions` are of 15(1)(g) and (h) alone.

`controller.json` in the workspace, sealed. Each field may be missing: whatever needs it is left
out then, and whoever asked for it is told.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.requests.sealed_file import read_sealed, write_sealed
from lineage_store.workspace.folder import Workspace

CONTROLLER_FILE = "controller.json"
OF_LETTERS = ("name", "contact", "officer", "authority")
OF_ACCESS = (
    "purposes", "data", "transfers", "retention", "source", "decisions",
)  # fmt: skip
WHERE_APPLICABLE = ("joint", "representative")


@dataclass(frozen=True)
class Controller:
    """The controller, how to reach it, its data protection officer, and the authority over it.

    Then what is processed: for what `purposes`, data of which `people`, which categories of `data`,
    for which categories of `recipients`, with what `transfers` to third countries, until when
    (`retention`), with what measures of `security`, from what `source`, for what automated
    `decisions`. `joint` controllers and a `representative` there need not be.
    """

    name: str | None = None
    contact: str | None = None
    officer: str | None = None
    authority: str | None = None
    joint: str | None = None
    representative: str | None = None
    purposes: str | None = None
    people: str | None = None
    data: str | None = None
    recipients: str | None = None
    transfers: str | None = None
    retention: str | None = None
    security: str | None = None
    source: str | None = None
    decisions: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that nobody has described yet, and that there must be."""
        every = (one.name for one in fields(self) if one.name not in WHERE_APPLICABLE)
        return self.lacking(tuple(every))

    def lacking(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of some fields that nobody has described yet."""
        return tuple(name for name in names if getattr(self, name) is None)

    def with_said(self, said: "Controller") -> "Controller":
        """Return the controller with what is said of it; raises BadInput for what is no text."""
        given = {name: value for name, value in asdict(said).items() if value is not None}
        if not all(value.strip() and value.isprintable() for value in given.values()):
            raise BadInput(
                "What is said of the controller is one line of text each, and not empty."
            )
        return replace(self, **given)


def load_controller(workspace: Workspace) -> Controller:
    """Read what was said of the controller; raises BadInput if the file is none of ours."""
    file = workspace.root / CONTROLLER_FILE
    if not file.exists():
        return Controller()
    try:
        stored: Any = read_sealed(workspace, file)
        known = {field.name for field in fields(Controller)}
        if not all(value is None or type(value) is str for value in stored.values()):
            raise ValueError("a value of another type")
        return Controller(**{name: value for name, value in stored.items() if name in known})
    except (BadInput, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"The file {CONTROLLER_FILE} of the workspace says nothing of a controller: move it "
            f"away, and say it again with unweave describe."
        ) from error


def save_controller(workspace: Workspace, controller: Controller) -> None:
    """Write what is said of the controller."""
    write_sealed(workspace, workspace.root / CONTROLLER_FILE, asdict(controller))
