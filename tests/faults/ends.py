"""How a deletion must have ended, however often it was killed or lost its power on the way."""

import random
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import unweave
from lineage_store.index import deletions, models
from lineage_store.index.database import read_index
from lineage_store.log import events as eventlog
from lineage_store.workspace.folder import open_workspace
from unweave import Project
from unweave.answers.revealed import weights_in_clear

FORGOTTEN = "margarete.steinbrecher@example.org"


@dataclass(frozen=True)
class Undisturbed:
    """What the deletion leaves if nothing comes in between, and the seconds that it takes."""

    files: set[str]
    weights: str
    seconds: float


def undisturbed_of(server, original, folder):
    """Forget in a copy of a workspace, in peace."""
    root = Path(shutil.copytree(original, folder / "workspace"))
    server.forget(Path(shutil.copytree(original, root.with_name("warm"))))
    status, seconds = server.forget(root)
    assert status == 0
    return Undisturbed(files_of(root), state_of(root)[1]["m2"], seconds)


def files_of(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def state_of(root):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        known = models.models(connection)
        return (
            [request.state for request in deletions.all_requests(connection)],
            {one.id: weights_in_clear(open_workspace(root), one.paths) for one in known},
            [one.state for one in known],
            [event.kind for event in eventlog.events(connection)],
        )


def assert_ended_as_undisturbed(server, root, undisturbed):
    """Run the command again, and compare all that it leaves."""
    status, _ = server.forget(root)
    assert status in (0, 3)  # nothing is found by one that was killed when all was done
    asked, digests, states, events = state_of(root)
    assert asked == ["done"] and states == ["deleted", "live"]
    assert digests["m2"] == undisturbed.weights
    # One that a full disk made take its request back has asked before.
    while events[1:3] == ["deletion asked", "deletion taken back"]:
        del events[1:3]
    assert events == ["model made", "deletion asked", "model made", "rows deleted"]
    assert files_of(root) == undisturbed.files
    assert int((root / "log.head").read_text(encoding="utf-8").split("\n")[1]) >= len(events)
    (certificate,) = root.rglob("certificate.json")
    assert unweave.verify(certificate, public_key=root / "keys/public.pem")["ok"]
    assert not any(FORGOTTEN.encode() in path.read_bytes() for path in root.rglob("*.sqlite"))
    assert Project(root).audit()["ok"]


def killed_at_moments(server, original, undisturbed, folder, *, count, seed):
    """Kill the deletion at random moments, a quarter of the times twice, and end it each time."""
    draw = random.Random(seed)
    for number in range(count):
        after = draw.uniform(0, undisturbed.seconds * 1.05)
        root = Path(shutil.copytree(original, folder / "workspace"))
        server.forget(root, after=after)
        if draw.random() < 0.25:  # and once more, as it finishes
            server.forget(root, after=draw.uniform(0, undisturbed.seconds))
        try:
            assert_ended_as_undisturbed(server, root, undisturbed)
        except AssertionError as error:
            raise AssertionError(f"killed at moment {number}, after {after:.3f} s") from error
        shutil.rmtree(root)
