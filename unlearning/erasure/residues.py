"""What a scan found is told, and stops the run: before anything is changed if it can be known then.

The look before a run reads every file for the ids, but for what the run will erase. What it learns
of rows and models is looked for when the new models are there, and once more when all is gone.
"""

from collections.abc import Iterable, Sequence

from lineage_store.counted import counted
from lineage_store.errors import ResidueFound
from lineage_store.index.models import ModelRecord
from lineage_store.workspace import Workspace
from unlearning.erasure.scan import Places, Scan, is_own, scan_apart
from unlearning.erasure.spellings import spellings
from unlearning.erasure.tokens import is_distinctive

TOLD = 5


def look_before(
    workspace: Workspace,
    ids: Sequence[str],
    *,
    ending: Iterable[ModelRecord],
    left_out: Sequence[str],
) -> None:
    """Raise ResidueFound if an id stands where this deletion erases nothing, or a file is a riddle.

    `ending` are the models that go, and `left_out` the ids that are searched for only in what
    unweave did not write.
    """
    searched = [one for one in ids if is_distinctive(one)]
    scan = scan_apart(
        workspace.root,
        [one for text in searched if text not in left_out for one in spellings(text)],
        elsewhere=[one for text in searched if text in left_out for one in spellings(text)],
        places=Places([path for record in ending for path in record.paths.values()]),
    )
    must_be_clean(scan, "Nothing was changed:")


def must_be_clean(scan: Scan, when: str) -> None:
    """Raise ResidueFound, naming the files, if anything was found or could not be read.

    Nobody is told to remove what unweave itself writes.
    """
    if scan.clean:
        return
    left = [*scan.found, *scan.unread]
    what = "Move them out of the workspace or remove them"
    if any(map(is_own, left)):
        what = (
            "Leave what unweave itself wrote where it is and close whatever else has the workspace "
            "open; move all else out of it or remove it"
        )
    raise ResidueFound(
        f"{when} {counted(len(left), 'file still holds', 'files still hold')} something of the "
        f"deleted rows, or {'is' if len(left) == 1 else 'are'} not understood: "
        f"{', '.join(left[:TOLD])}. {what}, and run the same forget again."
    )
