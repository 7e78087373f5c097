"""TFX's Trainer with an executor that runs the user's `run_fn`, unchanged, once a shard.

    Trainer(..., custom_executor_spec=unweave.tfx.per_shard())

is all that a definition says. Each shard is trained in a process of its own on its own rows alone,
with its own evaluation rows. The shards' models are joined to one (`joined_signatures`), which is
the component's `model`; its `model_run` holds the ledger of shards, with what each run left for
TensorBoard. Ledgers of earlier runs of the same node lie beside it: what went into a shard then and
now decides whether it is taken over (`train_whole`). TFX's cache has no part in it.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Model, ModelRun
from tfx.utils import json_utils, path_utils, proto_utils

from lineage_store.canonical import digest_json
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.placement import tweak
from unlearning.fingerprint import code_digest
from unlearning.fingerprint.environment import environment
from unlearning.fingerprint.module_imports import module_imports
from unlearning.serving import canonical_digest, copy_canonical
from unlearning.whole_shards import (
    MODEL,
    WholeLedger,
    WholeShard,
    is_whole_ledger,
    open_whole_ledger,
    pinned_variables,
    train_whole_shards,
)
from unweave.tfx.run_fn_process import ENTRY
from unweave.tfx.shard_examples import (
    ShardFiles,
    digest_of_rows,
    files_by_shard,
    rows_of,
    write_examples_of,
)

LEDGER = "unweave-ledger"
EXAMPLES, RUN = "examples", "model_run"
ROOTS = (f"{ENTRY}.main", "unlearning.whole_shards.train_whole.train_whole_shards")
SEED = tweak(17)


def per_shard() -> ExecutorClassSpec:
    """Return what a Trainer takes as `custom_executor_spec`."""
    return ExecutorClassSpec(PerShardExecutor)


class PerShardExecutor(GenericExecutor):
    """Runs `run_fn` once a shard, and joins the models."""

    def Do(
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Train all shards, or take them over; TFX calls it so."""
        (model,), (run,) = output_dict["model"], output_dict[RUN]
        folder = Path(run.uri) / LEDGER
        trainer = RunFnTrainer(input_dict, exec_properties)
        ledger = train_whole_shards(trainer, earlier=ledgers_beside(Path(run.uri)), into=folder)
        _in_a_process(
            {
                "do": "join",
                "seed": 0,
                "models": [str(one) for one in ledger.models()],
                "into": path_utils.serving_model_dir(model.uri),
            },
            hash_seed=0,
            scratch=folder / "tmp",
        )


def ledgers_beside(run: Path) -> list[WholeLedger]:
    """Return the ledgers of other runs of the same node, the newest first."""
    others = [one for one in run.parent.iterdir() if one != run] if run.parent.is_dir() else []
    found = [one / LEDGER for one in others if is_whole_ledger(one / LEDGER)]
    return [
        open_whole_ledger(one)
        for one in sorted(found, key=lambda one: one.stat().st_mtime_ns, reverse=True)
    ]


@dataclass
class RunFnTrainer:
    """Trains a shard by `run_fn`, given what TFX gives an executor of Trainer."""

    inputs: Mapping[str, Sequence[Artifact]]
    parameters: Mapping[str, Any]

    def shards(self) -> list[WholeShard]:
        """Return all shards; see `ShardTrainer`."""
        found = []
        for number, files in enumerate(self._files):
            rows = rows_of(files.train)
            content = {
                "train": digest_of_rows(rows),
                "eval": digest_of_rows(rows_of(files.evaluate)),
                **self._shared,
            }
            found.append(WholeShard(number, len(rows), content))
        return found

    def train(self, shard: int, *, hash_seed: int, into: Path) -> None:
        """Run `run_fn` in a process of its own; see `ShardTrainer`."""
        model, run = Model(), ModelRun()
        model.uri, run.uri = str(into / "written"), str(into / "run")
        for one in (model, run):
            Path(one.uri).mkdir()
        like = self.inputs[EXAMPLES][0]
        examples = write_examples_of(self._files[shard], like=like, folder=into / "rows")
        inputs = {**self._inputs_in(into / "inputs"), EXAMPLES: [examples]}
        _in_a_process(
            {
                "do": "train",
                "seed": (SEED ^ tweak(shard)) % (1 << 32),
                "inputs": json_utils.dumps({name: list(some) for name, some in inputs.items()}),
                "outputs": json_utils.dumps({"model": [model], RUN: [run]}),
                "parameters": {
                    **self.parameters,
                    "train_args": _unsplit(self._train_args),
                    "eval_args": _unsplit(self._eval_args),
                },
            },
            hash_seed=hash_seed,
            scratch=into / "tmp",
        )
        Path(path_utils.serving_model_dir(model.uri)).rename(into / MODEL)
        for name in ("rows", "written", "inputs"):
            shutil.rmtree(into / name)

    def _inputs_in(self, folder: Path) -> dict[str, list[Artifact]]:
        """Copy all inputs but Examples, each SavedModel in its canonical form.

        What Transform writes names functions by a counter of its process, and these names would go
        on into the model.
        """
        copied: dict[str, list[Artifact]] = {}
        folder.mkdir()
        for name, some in self.inputs.items():
            for number, one in enumerate(some if name != EXAMPLES else ()):
                made = deepcopy(one)
                made.uri = str(folder / f"{name}-{number}")
                copy_canonical(Path(one.uri), Path(made.uri))
                copied.setdefault(name, []).append(made)
        return copied

    @cached_property
    def _files(self) -> list[ShardFiles]:
        return files_by_shard(
            self.inputs[EXAMPLES],
            train=list(self._train_args.splits) or ["train"],
            evaluate=list(self._eval_args.splits) or ["eval"],
        )

    @cached_property
    def _train_args(self) -> TrainArgs:
        return proto_utils.json_to_proto(self.parameters["train_args"], TrainArgs())

    @cached_property
    def _eval_args(self) -> EvalArgs:
        return proto_utils.json_to_proto(self.parameters["eval_args"], EvalArgs())

    @cached_property
    def _shared(self) -> dict[str, str]:
        """Return digests of what all shards' trainings depend on."""
        sources = _sources(self.parameters)
        imports = {name: module_imports(text) for name, text in sources.items()}
        others = {
            name: [canonical_digest(Path(one.uri)) for one in some]
            for name, some in self.inputs.items()
            if name != EXAMPLES
        }
        named = ("train_args", "eval_args", "custom_config", "run_fn")
        return {
            "run_fn": digest_json({"sources": sources, "imports": imports}),
            "parameters": digest_json({name: self.parameters.get(name) for name in named}),
            "environment": digest_json(environment()),
            "unweave": code_digest(ROOTS),
            **{name: digest_json(digests) for name, digests in others.items()},
        }


def _unsplit(arguments: TrainArgs | EvalArgs) -> str:
    """Return arguments that name no splits: those of a shard are called as TFX expects."""
    copied = type(arguments)()
    copied.CopyFrom(arguments)
    del copied.splits[:]
    text: str = proto_utils.proto_to_json(copied)
    return text


def _sources(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of the modules that `run_fn` comes with, by their names."""
    if packaged := parameters.get("module_path"):
        with zipfile.ZipFile(packaged.partition("@")[2]) as wheel:
            names = sorted(name for name in wheel.namelist() if name.endswith(".py"))
            return {name: wheel.read(name).decode("utf-8") for name in names}
    if file := parameters.get("module_file"):
        return {Path(file).name: Path(file).read_text(encoding="utf-8")}
    module = str(parameters.get("run_fn", "")).rpartition(".")[0]
    spec = find_spec(module) if module else None
    if spec is None or spec.origin is None:
        raise BadInput(
            "The source of `run_fn` is not to be found, so nothing could tell that it has changed: "
            "give the Trainer a `module_file`, or the path of a function in a module of Python."
        )
    return {module: Path(spec.origin).read_text(encoding="utf-8")}


def _in_a_process(arguments: Mapping[str, Any], *, hash_seed: int, scratch: Path) -> None:
    """Do something in a process of its own; what it prints is printed.

    Its temporary files lie in a folder that goes with it. Raises CheckFailed, without a word of
    what it said, if it fails.
    """
    scratch.mkdir()
    own = {"PYTHONPATH": ":".join(filter(None, sys.path)), "TMPDIR": str(scratch)}
    done = subprocess.run(
        [sys.executable, "-m", ENTRY],
        input=json.dumps(arguments),
        text=True,
        check=False,
        env={**pinned_variables(hash_seed), **own},
    )
    shutil.rmtree(scratch)
    if done.returncode:
        raise CheckFailed(
            "The process that runs `run_fn` for a shard failed: what it said stands above. A "
            "`run_fn` that runs under TFX's own executor, on few rows, too, runs here."
        )
