"""Random forget sets of a part made at once, and what a fresh process learns without them.

    python -m tests.unlearning.families.contract_random ROOT SETS

prints the digest of the twin's state for each set, a line each. A set is any rows of the part: one,
some, half, or all but one; whose they are is not asked.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.tensors import state_digest
from tests.unlearning.families.contract_cases import Learnt
from unlearning.families.known_families import encoding_of_ledger, family_of
from unlearning.families.sums_unit import NO_SOURCE

TOP = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(TOP)}


@dataclass(frozen=True)
class PartOfSums:
    """The first part of a model that was learnt."""

    root: Path

    @cached_property
    def learner(self) -> Any:
        """The learner of the model."""
        learnt = Learnt(self.root)
        options = learnt.ledger.header.options
        assert encoding_of_ledger(learnt.ledger, learnt.store.schema).fields == learnt.store.fields
        return family_of(options.model_family).open(NO_SOURCE, learnt.store, options=options)

    @cached_property
    def rows(self) -> Any:
        """The rows of the part."""
        return Learnt(self.root).store.stage_rows(0, 0)

    @cached_property
    def state(self) -> Any:
        """The state of the part."""
        return Learnt(self.root).ledger.shard(0).checkpoint(0)

    def split(self, number: int) -> tuple[Any, Any]:
        """Return the rows that a set takes out, and those that remain, of which there is one."""
        draw, count = np.random.default_rng(number), len(self.rows)
        most = (1, 4, count // 4, count // 2, count - 1)[number % 5]
        gone = np.zeros(count, np.bool_)
        gone[draw.permutation(count)[: draw.integers(1, most, endpoint=True)]] = True
        return self.rows.take(np.flatnonzero(gone)), self.rows.take(np.flatnonzero(~gone))

    def forgotten(self, number: int) -> tuple[str, bool]:
        """Return the digest of what forgetting a set leaves, and whether it was not learnt anew."""
        gone, left = self.split(number)
        if hasattr(self.learner, "converged"):
            return state_digest(self.learner.converged(self.state, left)), True
        state = self.learner.less(self.state, gone, left=left)
        return state_digest(self.learner.relearnt(left) if state is None else state), (
            state is not None
        )

    def twins(self, sets: int) -> list[str]:
        """Return the digests that a fresh process finds, of as many sets."""
        from fixtures.warm_python import warm_python

        command = [*warm_python(), "-m", __name__, str(self.root), str(sets)]
        done = subprocess.run(command, cwd=TOP, env=ENVIRONMENT, stdout=subprocess.PIPE, check=True)
        return done.stdout.decode("ascii").split()


def main() -> None:
    """Print the digests of the twins."""
    part = PartOfSums(Path(sys.argv[1]))
    for number in range(int(sys.argv[2])):
        print(state_digest(part.learner.relearnt(part.split(number)[1])))


if __name__ == "__main__":
    main()
