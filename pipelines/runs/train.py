"""A training run from a table to a registered model: gate, pipeline, public record.

Whatever fails, what was begun is taken away again: a model is registered whole or not at all.
"""

import shutil
import sqlite3
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lineage_store.canonical import digest, write_atomic
from lineage_store.cells import Snapshot, keep_once, let_through, load_snapshot
from lineage_store.clock import Clock
from lineage_store.counted import counted
from lineage_store.data import Columns, Schema, TableHeader, read_blocks_of, read_headers
from lineage_store.disk_full import translated
from lineage_store.errors import BadInput, Damaged, DiskFull, NothingToLearn
from lineage_store.index import (
    deletions,
    log_size,
    manifest,
    models,
    open_index,
    record_failure,
    sign_log,
    writing_index,
)
from lineage_store.keys import Exclusions, Pseudonyms, create_signing_key
from lineage_store.ledger import TrainOptions
from lineage_store.progress import counter
from lineage_store.sources import Source
from lineage_store.understood import TableWatch, Understanding, Watched, understanding_of
from lineage_store.workspace import Workspace
from pipelines.jobs import Backend, LeftOpen, TrainingJob
from pipelines.runs.base_model import find_base
from pipelines.runs.devices import must_share_the_device
from unlearning.families import family_of, must_be_fit, must_fit_names, partition_for
from unlearning.fingerprint import take_device
from unlearning.fitting import ShardEngine
from unlearning.training import TrainConfig


class DryRunEnds(Exception):
    """A dry run has come to its end: nothing of it stays."""


@dataclass(frozen=True)
class TrainRequest:
    """What the user asks of a training run.

    `module` is a model file, or None; `base` names the model whose weights it starts from, or None.
    `understood` is told what the gate made of the table, before anything is learnt; a `dry_run`
    ends there. With `admit_alike` ids that are spelled nearly as forgotten ones are other people's.
    Raises BadInput for options that do not fit, whoever asks.
    """

    sources: tuple[Source, ...]
    columns: Columns
    options: TrainOptions
    module: Path | None = None
    base: str | None = None
    understood: Callable[[Understanding], None] | None = None
    dry_run: bool = False
    admit_alike: bool = False

    def __post_init__(self) -> None:
        self.options.validate()
        said = self.columns.kinds or self.columns.task or self.columns.tasks
        if self.base is not None and said:
            raise BadInput(
                "A model that starts from another's weights reads its columns as that one does: "
                "leave out `base`, or the task and the kinds of columns."
            )


def train(
    workspace: Workspace,
    request: TrainRequest,
    *,
    backend: Backend,
    engine: ShardEngine | None = None,
    clock: Clock,
) -> models.ModelRecord:
    """Train a model and return its record.

    Raises BadInput for data, columns, a module or a base that do not fit, before anything is
    trained, NothingFound for a base that there is not.
    """
    header = read_headers(request.sources, request.columns)
    family = family_of(request.options.model_family)
    unfit = partial(family.unfit, module=request.module is not None, base=request.base is not None)
    must_be_fit(unfit(None, request.options))
    must_fit_names(family, items=request.columns.items, labels=request.columns.labels)
    take_device(request.options.device)
    request = replace(request, columns=replace(request.columns, weighing=family.weighing))
    source = family.source(request.module)
    text, name = source.text, source.name
    ensure_signing_key(workspace)
    options, base = request.options, None
    with writing_index(workspace) as connection:
        deletions.must_be_none_running(connection)
        must_share_the_device(connection, workspace, request.options)
        if request.base is not None:
            base = find_base(
                connection, workspace, request.base, shards=options.shards, module=request.module
            )
            options = replace(options, shards=base.shards)
            text, name = base.text, base.module
        options = family.completed(options)
        model = models.next_model_id(connection)
        number = models.next_snapshot(connection)
        exclusions = manifest.exclusions_for(connection, request.columns)
        exclusions.admit_alike = request.admit_alike
        others = [
            workspace.absolute(record.paths["data"])
            for record in models.models(connection, live_only=True)
        ]
    snapshot = workspace.snapshot(model)
    begun = [snapshot, workspace.pipeline_root / f"train-{model}", workspace.serving(model)]
    _clear(begun)  # what a killed run left
    module_file = workspace.module(digest(text.encode("utf-8")))
    if not module_file.exists():
        begun.append(module_file)
    pseudonyms = Pseudonyms(workspace.pseudonym_file, workspace.keys(), run=model)
    try:
        pseudonyms.take_back()  # likewise
        like = None if base is None else base.schema
        watch = TableWatch(header, request.columns.subjects)
        _gate(workspace, request, options, header, snapshot, exclusions, pseudonyms, like, watch)
        gated = load_snapshot(snapshot)
        if gated.layout is not None:
            cut = gated.layout.partition
            options = replace(options, shards=cut.shards, slices=cut.slices)
        must_be_fit(unfit(gated.schema, options))
        if request.understood is not None:
            request.understood(_understanding(watch, request, gated, options, exclusions))
        if request.dry_run:
            raise DryRunEnds
        keep_once(gated, (load_snapshot(one) for one in others if one.exists()))
        write_atomic(module_file, text.encode("utf-8"))
        job = TrainingJob(
            workspace=workspace,
            model=model,
            snapshot=snapshot,
            snapshot_number=number,
            config=TrainConfig(
                options=options,
                module=name,
                key_id=workspace.keys().key_id,
                base=None if base is None else base.record.id,
            ),
            module_file=module_file,
            clock=clock,
            excluded=exclusions.rows,
            columns=request.columns,
            base=None if base is None else base.record,
            engine=engine,
        )
        try:
            with translated():
                backend.train(job)
        except (BadInput, DiskFull, LeftOpen):
            raise  # nothing that was begun is left, or all of it
        except Exception as error:
            record_failure(workspace.index_file, run=job.name, error=error, time=clock())
            raise
        pseudonyms.keep()
    except LeftOpen:
        raise
    except BaseException:
        if not _may_be_registered(workspace, model):
            _clear(begun)
            pseudonyms.take_back()
        raise
    finally:
        pseudonyms.close()
    backend.record_training(job)
    with writing_index(workspace) as connection:
        return models.find_model(connection, model)


def _gate(
    workspace: Workspace,
    request: TrainRequest,
    options: TrainOptions,
    header: TableHeader,
    snapshot: Path,
    exclusions: Exclusions,
    pseudonyms: Pseudonyms,
    like: Schema | None,
    watch: TableWatch,
) -> None:
    add = counter("gate", sum(source.size for source in request.sources))
    last = 0

    def progress(place: int) -> None:
        nonlocal last
        add(place - last)
        last = place

    roles = header.roles
    if like is not None:  # what was said of the base's data is said of these
        roles = replace(roles, said=like.said)
    read = read_blocks_of(
        [Watched(source, watch) for source in request.sources],
        columns=request.columns,
        header=header,
        keys=workspace.keys(),
        pseudonyms=pseudonyms,
        exclusions=exclusions,
        temporary=workspace.temporary,
        progress=progress,
    )
    blocks = watch.sides.passing(read) if request.columns.parts_people else read
    try:
        cut = partial(partition_for, options)
        let_through(blocks, roles, folder=snapshot, like=like, partition=cut)
        pseudonyms.commit()
    except NothingToLearn as error:
        if not exclusions.rows:
            raise
        raise NothingToLearn(
            f"{str(error).removesuffix('.')}, once "
            f"{counted(exclusions.rows, 'row was', 'rows were')} kept out, of what "
            f"was forgotten here."
        ) from error
    finally:
        if isinstance(read, Generator):
            read.close()  # with its temporary file, while that is still there


def _understanding(
    watch: TableWatch,
    request: TrainRequest,
    gated: Snapshot,
    options: TrainOptions,
    exclusions: Exclusions,
) -> Understanding:
    partition = options.partition
    takes_steps = family_of(options.model_family).trail == "steps"
    return understanding_of(
        watch,
        request.columns,
        schema=gated.schema,
        by_split=gated.rows,
        excluded=exclusions.rows,
        alike=exclusions.alike_rows,
        partition=(partition.shards, partition.slices),
        batch_size=partition.batch_size if takes_steps else None,
    )


def _clear(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _may_be_registered(workspace: Workspace, model: str) -> bool:
    """Return whether a model is in the index, or nobody can tell: then its files stay."""
    try:
        with closing(open_index(workspace.index_file)) as connection:
            return any(record.id == model for record in models.models(connection))
    except (sqlite3.Error, Damaged):
        return True


def ensure_signing_key(workspace: Workspace) -> None:
    """Make the workspace's signing key if it has none, and sign the empty log with it.

    From then on there is always a signed head, also after a kill: an older one holds too.
    """
    if not workspace.public_key.exists():
        create_signing_key(path_private=workspace.signing_key, path_public=workspace.public_key)
    if not workspace.head_file.exists() and not log_size(workspace):
        sign_log(workspace)
