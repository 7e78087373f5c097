"""Who answers for the data: what letters and records say of the controller (Article 30(1)(a)).

`controller.json` in the workspace, sealed. Each field may be missing: whatever needs it is left
out then, and whoever asked for it is told.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.requests.sealed_file import read_sealed, write_sealed
from lineage_store.workspace.folder import Workspace

CONTROLLER_FILE = "controller.json"


@dataclass(frozen=True)
class Controller:
    """The controller, how to reach it, its data protection officer, and the authority over it."""

    name: str | None = None
    contact: str | None = None
    officer: str | None = None
    authority: str | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that nobody has described yet."""
        return tuple(name for name, value in asdict(self).items() if value is None)

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
        told: Any = read_sealed(workspace, file)
        known = {field.name for field in fields(Controller)}
        if not all(value is None or type(value) is str for value in told.values()):
            raise ValueError("a value of another type")
        return Controller(**{name: value for name, value in told.items() if name in known})
    except (BadInput, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadInput(
            f"The file {CONTROLLER_FILE} of the workspace says nothing of a controller: move it "
            f"away, and say it again with unweave describe."
        ) from error


def save_controller(workspace: Workspace, controller: Controller) -> None:
    """Write what is said of the controller."""
    write_sealed(workspace, workspace.root / CONTROLLER_FILE, asdict(controller))
