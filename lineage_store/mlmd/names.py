"""The external ids of the lineage in MLMD, and what they say of the place of a thing.

    unweave:<key id>:<model>:s<shard>.r<stage>.p<position>:<what>     a batch, step or update,
                                                                      a checkpoint after a step
    unweave:<key id>:<model>:s<shard>.r<stage>:<what>                 a checkpoint or stage
    unweave:<key id>:<model or request>:<what>                        all else

They are unique across workspaces by the workspace's key id.
"""

import re
from dataclasses import dataclass

from lineage_store.graph.unit_types import name_of_unit
from lineage_store.ledger.units import Unit

PLACE = re.compile(r"unweave:[^:]*:(?P<model>m\d+):s(?P<shard>\d+)\.r(?P<stage>\d+)"
                   r"(?:\.p(?P<position>\d+))?:")  # fmt: skip


@dataclass(frozen=True)
class Names:
    """Makes the external ids of a workspace."""

    key_id: str

    def of(self, model: str, what: str) -> str:
        """Return the external id of a thing of a model or request."""
        return f"unweave:{self.key_id}:{model}:{what}"

    def unit(self, unit: Unit) -> str:
        """Return the external id of a unit."""
        return self.of(unit.place.model, name_of_unit(unit))


def place_of(external_id: str) -> dict[str, str | int]:
    """Return `model`, `shard`, `stage` and `position`, as far as an external id tells them."""
    found = PLACE.match(external_id)
    if found is None:
        return {}
    parts = {name: text for name, text in found.groupdict().items() if text is not None}
    return {name: text if name == "model" else int(text) for name, text in parts.items()}
