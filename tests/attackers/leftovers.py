"""What a workspace still holds, read as an attacker reads it: past every API, in either format."""

import base64
import json
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fixtures.exported import exported_texts

ENDED, LIVE = "m1", "m2"
PLACE = re.compile(r":m1:(s\d+\.r\d+\.p\d+):(step|batch)$")


@dataclass(frozen=True)
class Leftovers:
    """A workspace after a deletion, and the page that its report is."""

    root: Path
    report: Path
    live: str = LIVE

    def json(self, name):
        """One of the files of the deletion."""
        return json.loads((self.root / "requests" / "r1" / name).read_bytes())

    @cached_property
    def certificate(self):
        """What the certificate says."""
        return json.loads(base64.b64decode(self.json("certificate.json")["payload"]))

    def index(self, query):
        """Ask the index."""
        with closing(sqlite3.connect(f"file:{self.root}/unweave.sqlite?mode=ro", uri=True)) as one:
            return one.execute(query).fetchall()

    @cached_property
    def reports(self):
        """What the index reports of each model."""
        return {name: json.loads(text) for name, text in
                self.index("SELECT id, report FROM models")}  # fmt: skip

    @cached_property
    def log(self):
        """The bodies of the log's events."""
        return [json.loads(text) for (text,) in self.index("SELECT body FROM events ORDER BY seq")]

    def mlmd(self, query):
        """Ask a copy of MLMD's file: that itself is MLMD's alone in a process that has it open."""
        copy = self.root.parent / f"{self.root.name}.mlmd"
        subprocess.run(["cp", self.root / "metadata.sqlite", copy], check=True)
        with closing(sqlite3.connect(copy)) as one:
            return one.execute(query).fetchall()

    def of_steps(self, node, name):
        """A property of the ended model's steps or batches, by their place."""
        found = self.mlmd(
            f"SELECT n.external_id, coalesce(p.double_value, p.int_value) FROM {node} n "
            f"JOIN {node}Property p ON p.{node.lower()}_id = n.id WHERE p.name = '{name}'"
        )
        named = ((PLACE.search(external_id or ""), value) for external_id, value in found)
        return {place[1]: value for place, value in named if place is not None}

    @cached_property
    def exports(self):
        """The texts of all exports that today's code writes of it, by their names."""
        folder = self.root.parent
        copy = shutil.copytree(self.root, folder / f"{self.root.name}-exported")
        return exported_texts(copy, folder / f"{self.root.name}-exports", live=self.live)

    @cached_property
    def everything(self):
        """All texts of certificate, report, exports, log, index, MLMD and the deletion's files."""
        texts = [json.dumps(self.certificate), self.report.read_text(encoding="utf-8")]
        texts += self.exports.values()
        with closing(sqlite3.connect(f"file:{self.root}/unweave.sqlite?mode=ro", uri=True)) as one:
            texts += one.iterdump()
        self.mlmd("SELECT 1")
        with closing(sqlite3.connect(self.root.parent / f"{self.root.name}.mlmd")) as one:
            texts += one.iterdump()
        for file in (self.root / "requests").rglob("*.json"):
            texts.append(file.read_text(encoding="utf-8"))
        return "\n".join(texts)
