"""What runs the components of a run, as one digest: unweave's code, libraries and variables.

A plan takes parts of a model over because the same code makes the same bits in this environment. A
command that runs the whole pipeline is one process, which holds that to its end; between two tasks
somebody may install another version. Whatever is installed counts, needed or not, and so do
comments: what differs costs a run that begins anew, what is missed a result that is called exact.
"""

from functools import cache
from pathlib import Path

from lineage_store.canonical import digest_file, digest_json
from unlearning.fingerprint.environment import environment

TOP = Path(__file__).parents[2]
FOLDERS = ("components", "lineage_store", "pipelines", "unlearning", "unweave")


@cache
def program() -> str:
    """Return the digest of the program that this process is, read once."""
    from importlib.metadata import distributions

    files = [one for folder in FOLDERS for one in sorted((TOP / folder).rglob("*.py"))]
    return digest_json(
        {
            "code": {str(one.relative_to(TOP)): digest_file(one) for one in files},
            "packages": sorted({f"{one.name} {one.version}" for one in distributions()}),
            "environment": environment(),
        }
    )
