"""A world: what would be, if a guess were true. It takes one training under the same secret."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lineage_store.canonical import digest_file
from lineage_store.index import models, reading_index
from lineage_store.ledger import open_ledger
from lineage_store.rows import open_rows
from lineage_store.tensors import weights_digest
from lineage_store.workspace import open_workspace

MODULUS = 2**256
# Numbers of four significant digits or more, and digests; moments are no numbers.
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\d]*(?:[+-]\d\d:?\d\d|Z)?")
TOKEN = re.compile(r"(?<![\w.])(?:\d+\.\d+(?:e-?\d+)?|\d{5,9}|[0-9a-f]{32,64})(?![\w.])")
TELLING = 5


def tokens(text: str) -> set:
    """The numbers and digests in a text that are long enough to be of one thing."""
    found = set()
    for token in TOKEN.findall(MOMENT.sub("", text)):
        if "." not in token:  # a digest, or a count
            found.add(token)
        elif len(re.sub(r"e.*|[.]|^0+[.]0*", "", token)) >= TELLING:
            found.add(f"{float(token):.5g}")
    return found


@dataclass(frozen=True)
class World:
    """A workspace in which the guess was trained on, and nobody was forgotten.

    What is live in the workspace that is attacked (`model`) is one, too: nobody need guess that.
    """

    root: Path
    model: str = "m1"

    @cached_property
    def record(self):
        with reading_index(open_workspace(self.root)) as connection:
            return models.find_model(connection, self.model)

    @cached_property
    def ledger(self):
        return open_ledger(self.root / self.record.paths["ledger"])

    @cached_property
    def steps(self):
        """The records of all steps, by their place."""
        return {
            f"s{number}.r{stage.stage}.p{step.position}": step
            for number, shard in enumerate(self.ledger.shards())
            for stage in shard.stages()
            for step in shard.steps(stage.stage)
        }

    @cached_property
    def weights(self):
        return weights_digest(self.ledger.final_weights())

    @cached_property
    def slices(self):
        """The digests of the files of rows."""
        folder = self.root / self.record.paths["rows"]
        return {digest_file(file) for file in folder.rglob("*.npy")}

    @cached_property
    def counts(self):
        """How many rows each slice has."""
        return open_rows(self.root / self.record.paths["rows"]).counts

    @cached_property
    def data_digest(self):
        return int(self.ledger.header.data["data_digest"], 16)

    @cached_property
    def everything(self):
        """All that could be told of it: its ledger, the digests of its files and weights."""
        folder = self.root / self.record.paths["ledger"]
        report = self.record.report
        texts = [json.dumps(report["metrics"]), str(report["timings"]["written"])]
        texts += [self.weights, *self.slices]
        texts.append(f"{self.data_digest:064x}")
        for file in folder.rglob("*"):
            if file.is_file() and file.name != "nonce":
                texts.append(digest_file(file))
                if file.suffix in (".json", ".jsonl") and file.name != "timings.json":
                    texts.append(file.read_text(encoding="utf-8"))
        return tokens("\n".join(texts))
