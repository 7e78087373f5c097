"""The demo: the whole story on real data, with the numbers of the run.

Train with lineage; ask what companies have touched and what forgetting each would cost; forget one
exactly and one approximately; train the exact one's twin from the file without its rows and
compare all weights; verify the certificates. Of a family without steps everything is exact: there
the model is audited by replay instead of forgetting approximately.
"""

import csv
import json
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lineage_store.claim import claim_of
from lineage_store.counted import counted, of_them
from lineage_store.errors import BadInput
from pipelines.backends import DirectBackend
from unlearning.families import DEFAULT, family_of
from unweave.api.project import Project
from unweave.api.verify import verify
from unweave.demo.taxi import LABEL, SUBJECT, write_trips
from unweave.text.answers import guarantee_text
from unweave.text.console import console_for_people, table_of
from unweave.text.metrics_lines import metrics_text
from unweave.text.progress_bars import progress_bars

OPTIONS: dict[str, Any] = {"shards": 5, "slices": 4, "epochs": 10, "batch_size": 64, "seed": 0}
MARKER = "demo.json"
ONE_CAB = re.compile(r"\d+ - ")
CANDIDATES = 5


def run_demo(
    root: Path, *, family: str = DEFAULT, quiet: bool = False, every: int = 1
) -> dict[str, Any]:
    """Run the demo in a workspace of its own and return its numbers.

    With `every` it is told of fewer trips, as `write_trips` says. The source file lies beside the
    workspace, in `<workspace>.source`. Raises BadInput if the workspace is there and was not made
    by an earlier demo.
    """
    source = root.with_name(root.name + ".source")
    _clear(root, source)
    source.mkdir(parents=True)
    (source / MARKER).write_text(json.dumps({"demo": str(root.name)}), encoding="utf-8")
    console = console_for_people(quiet=quiet)
    began = time.perf_counter()
    with progress_bars() as listener:
        project = Project(root, listener=listener, reveal=True)
        story = _Story(console, project, source, every, family)
        numbers = story.tell()
    numbers["seconds"] = round(time.perf_counter() - began, 1)
    console.print(Text(f"\nAll of it took {numbers['seconds']:.0f} s."))
    return numbers


def _clear(root: Path, source: Path) -> None:
    if (source / MARKER).exists():
        shutil.rmtree(root, ignore_errors=True)
        shutil.rmtree(source)
    for folder in (root, source):
        if folder.exists() and any(folder.iterdir()):
            raise BadInput(
                f"The folder {folder} is not an earlier demo's: name a new one with --workspace."
            )


class _Story:
    """The demo's chapters; each prints what it found and returns its numbers."""

    def __init__(
        self, console: Console, project: Project, source: Path, every: int, family: str
    ) -> None:
        self._console = console
        self._project = project
        self._source = source
        self._every = every
        self._in_steps = family_of(family).trail == "steps"
        recorded = {**OPTIONS, "record": "all"} if self._in_steps else {}
        self._options: dict[str, Any] = {"model_family": family, **recorded}
        self._companies: Counter[str] = Counter()

    def tell(self) -> dict[str, Any]:
        """Tell all of it."""
        trained = self._train()
        if not self._in_steps:
            return {"trained": trained, **self._tell_at_once()}
        exact_one, approximate_one = self._candidates()
        exact = self._forget(exact_one, "exact", replay=False)
        equal = self._prove(exact, exact_one)
        approximate = self._forget(approximate_one, "approximate", replay=True)
        self._certificates([exact, approximate])
        return {
            "trained": trained,
            "exact": exact,
            "equal_to_twin": equal,
            "approximate": approximate,
        }

    def _tell_at_once(self) -> dict[str, Any]:
        """Tell the rest of a family without steps."""
        cabs = [one for one, _ in self._companies.most_common() if ONE_CAB.match(one)]
        with self._chapter("Who could be forgotten?"):
            table = table_of("company", "rows", "learnt", "by way of")
            learnt = {}
            for name in cabs[:CANDIDATES]:
                found = self._project.trace_subject(name)["models"][-1]
                learnt[name] = found["splits"].get("train", 0)
                way = " -> ".join(one["why"][-1] for one in found["checkpoints"]) or "nothing"
                table.add_row(name, str(found["rows"]), str(learnt[name]), way)
            self._console.print(table)
            company = max(learnt, key=lambda name: learnt[name])
            self._say(f"Forgotten: {company}, of which most rows were learnt.")
        exact = self._forget(company, "exact", replay=False)
        equal = self._prove(exact, company)
        with self._chapter("Audit: make again what the model is, from its rows"):
            audit = self._project.audit(replay=1)
            self._say("nothing found" if audit["ok"] else "SOMETHING IS WRONG")
        self._certificates([exact])
        return {"exact": exact, "equal_to_twin": equal, "audit": audit["ok"]}

    def _train(self) -> dict[str, Any]:
        file = self._source / "trips.csv"
        self._companies = write_trips(file, every=self._every)
        trips = sum(self._companies.values())
        subjects = len([company for company in self._companies if company])
        with self._chapter("Train with lineage"):
            self._say(
                f"{trips:,} real taxi trips of {subjects} companies; the company is the data "
                f"subject, {self._companies['']:,} trips have none. Label: a tip above 20 % of the "
                f"fare."
            )
            answer = self._project.train(file, label=LABEL, subject=SUBJECT, **self._options)
            steps = counted(answer["steps"], "step")
            self._say(
                f"{counted(answer['shards'], 'shard')} x {counted(answer['slices'], 'slice')}"
                f"{f', {steps}, each recorded' * self._in_steps}; "
                f"{metrics_text(answer['metrics'])}."
            )
            self._say(f"weights   {answer['weights_digest']}")
            self._say(f"served at {_near(answer['model_path'])}")
        return answer

    def _candidates(self) -> tuple[str, str]:
        """Show what some one-driver companies have touched, and choose two of them."""
        ranked = [name for name, _ in self._companies.most_common() if ONE_CAB.match(name)]
        plans: dict[str, dict[str, Any]] = {}
        with self._chapter("Who could be forgotten, and at what cost?"):
            table = table_of("company", "rows", "shard/slice", "batches", "updates", "checkpoints",
                          "exact: steps", "of all")  # fmt: skip
            for name in ranked[:CANDIDATES]:
                found = self._project.trace_subject(name)["models"][-1]
                plan = self._project.plan([name])
                plans[name] = {**plan, "batches": len(found["batches"])}
                table.add_row(
                    name,
                    str(found["rows"]),
                    ", ".join(f"{s['shard']}/{s['slice']}" for s in found["slices"]) or "none",
                    str(len(found["batches"])),
                    str(found["updates_recorded"]),
                    str(len(found["checkpoints"])),
                    f"{plan['steps_planned']:,}",
                    f"{plan['steps_planned'] / plan['steps_full']:.1%}",
                )
            self._console.print(table)
            trained_on = [name for name in plans if plans[name]["batches"]]
            exact = trained_on[0]
            rest = [name for name in trained_on if name != exact]
            approximate = min(rest, key=lambda name: plans[name]["batches"])
            self._say(f"Forgotten exactly: {exact}, which has the most rows.")
            self._say(f"Forgotten approximately: {approximate}, which is in the fewest batches.")
        return exact, approximate

    def _forget(self, company: str, guarantee: str, *, replay: bool) -> dict[str, Any]:
        with self._chapter(f"Forget one company: {guarantee}"):
            derived = claim_of(guarantee).leaves_derived
            strategy = self._fewest_steps(company, guarantee) if derived else None
            answer = self._project.forget(
                [company], guarantee=guarantee, strategy=strategy, replay=replay
            )
            done = [answer["strategy"]]
            if full := answer["steps_full"]:  # a family of sums takes none
                done += [f"{of_them(answer['steps_recomputed'], full, 'step')} recomputed"]
                done += [f"{counted(answer['updates_subtracted'], 'update')} subtracted"]
            self._say(
                f"{counted(answer['rows_found'], 'row')}; {', '.join(done)}. The result is "
                f"{guarantee_text(answer)}."
            )
            for check in answer["checks"]:
                self._say(f"{check['outcome']}: {check['name']}")
            verdicts: Counter[str] = Counter()
            for item in answer["verdicts"]:
                verdicts[item["verdict"]] += item["count"]
            self._say("verdicts: " + ", ".join(f"{n:,} {v}" for v, n in verdicts.items()))
            self._say(f"evaluation: {metrics_text(answer['metrics_after'])}")
        return answer

    def _fewest_steps(self, company: str, guarantee: str) -> str:
        """Return the strategy of a guarantee that would take the fewest steps."""
        (plan,) = self._project.plan([company], guarantee=guarantee)["plans"]
        able = [
            one for one in plan["estimates"] if one["guarantee"] == guarantee and not one["why_not"]
        ]
        strategy: str = min(able, key=lambda one: one["steps"])["strategy"]
        return strategy

    def _prove(self, exact: dict[str, Any], company: str) -> bool:
        with self._chapter("Prove it: train from scratch without these rows"):
            file = self._source / "trips-without.csv"
            _copy_without(self._source / "trips.csv", file, company)
            root = self._source / "twin"
            twin = Project(root, backend=DirectBackend(), reveal=True).train(
                file,
                label=LABEL,
                subject=SUBJECT,
                key_file=self._project.root / "keys" / "secret",
                **{name: one for name, one in self._options.items() if name != "record"},
            )
            shutil.rmtree(root)
            equal: bool = twin["weights_digest"] == exact["weights_digest_after"]
            self._say(f"twin      {twin['weights_digest']}")
            self._say(f"unlearned {exact['weights_digest_after']}")
            self._say("All weights are equal, bit for bit." if equal else "THE WEIGHTS DIFFER.")
        return equal

    def _certificates(self, answers: list[dict[str, Any]]) -> None:
        with self._chapter("Certificates and models"):
            for answer in answers:
                found = verify(answer["certificate"], public_key=answer["public_key"])
                self._say(
                    f"{found['verdict']}: {_near(answer['certificate'])} ({answer['guarantee']})"
                )
            self._say(f"public key: {_near(answers[-1]['public_key'])}")
            self._say(f"served now: {_near(answers[-1]['model_path'])}")

    @contextmanager
    def _chapter(self, title: str) -> Iterator[None]:
        began = time.perf_counter()
        self._console.print(Text(f"\n{title}", style="bold"))
        yield
        self._console.print(Text(f"  {time.perf_counter() - began:.1f} s", style="dim"))

    def _say(self, sentence: str) -> None:
        self._console.print(f"  {sentence}")


def _near(path: str) -> str:
    """Return a path as seen from here, if it is below here."""
    return (
        str(Path(path).relative_to(Path.cwd())) if Path(path).is_relative_to(Path.cwd()) else path
    )


def _copy_without(source: Path, target: Path, company: str) -> None:
    with (
        source.open(newline="", encoding="utf-8") as old,
        target.open("w", newline="", encoding="utf-8") as new,
    ):
        reader = csv.DictReader(old)
        writer = csv.DictWriter(new, reader.fieldnames or ())
        writer.writeheader()
        writer.writerows(trip for trip in reader if trip[SUBJECT] != company)
