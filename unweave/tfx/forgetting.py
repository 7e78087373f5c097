"""Forgetting from a user's own pipeline: it is run again, with the exclusions as its one change.

    look      the definition, what analyzes all rows, the ledger of the last run, whose rows go;
              anything may be refused
    record    request and manifest, in the workspace and its signed log
    run       the same pipeline: the gate keeps them out, shards with other rows are trained; what
              came of earlier runs is marked, so that no resolver finds it
    check     the engine looks at the gated Examples and the ledger, and at those of before
    erase     what came of earlier runs, and what ExampleGen wrote; ML Metadata keeps that it was
    scan      pipeline root, push destinations, workspace and ML Metadata's file
    certify   signed, and the log says so

Each step can run again: a killed run is finished by the same call. The user's source files are not
looked at: who stands in them is kept out whenever the pipeline runs, by the manifest.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tfx.orchestration.pipeline import Pipeline

from lineage_store.canonical import sync_folder
from lineage_store.claim import BITS
from lineage_store.clock import Clock, clock_ahead
from lineage_store.errors import BadInput, CheckFailed, NotReproducible
from lineage_store.index import sign_log, writing_index
from lineage_store.keys import create_signing_key
from lineage_store.workspace import Workspace, writing
from unlearning.own_pipelines import (
    Gated,
    OwnAsked,
    OwnChange,
    OwnFolders,
    OwnModel,
    OwnRequest,
    certify_own,
    check_own,
    find_own_rows,
    must_hold,
    open_own,
    published_state,
    resume_own,
    scan_own,
    values_elsewhere,
)
from unlearning.whole_shards import WholeLedger, open_whole_ledger
from unweave.session.version import installed_version
from unweave.tfx.own_definition import OwnDefinition, read_definition
from unweave.tfx.own_ended import clear_pages, mark_ended, mark_ending
from unweave.tfx.own_lineage import OwnArtifact, OwnLineage, read_own_lineage
from unweave.tfx.own_transforms import must_be_in_summation_form
from unweave.tfx.per_shard_executor import LEDGER

Run = Callable[[Pipeline], None]
T = TypeVar("T")


@dataclass(frozen=True)
class OwnForgotten:
    """What came of a deletion: by which claim, what became of the shards, where the proof lies.

    `shards` and `changed` are by the number of the shard, or of several models by the Trainer and
    that (`Trainer.wide/0`). `changed` names, for each shard that was trained, what of its inputs is
    another than before: its rows (`train`, `eval`), or what all shards have in common. Of several
    ids each has a certificate, in their order; `certificate` is that of the run.
    """

    request_id: str
    guarantee: str
    rows: int
    shards: dict[str, str]
    changed: dict[str, tuple[str, ...]]
    certificate: Path
    certificates: tuple[Path, ...]
    public_key: Path


def run_on_this_machine(pipeline: Pipeline) -> None:
    """Run a pipeline under TFX's LocalDagRunner."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    LocalDagRunner().run(pipeline)


def forget(
    pipeline: Pipeline,
    ids: Sequence[str],
    *,
    rows: bool = False,
    accept_approximate: bool = False,
    accept_left_out: bool = False,
    run: Run = run_on_this_machine,
    clock: Clock | None = None,
) -> OwnForgotten:
    """Forget people, or with `rows` rows, from a pipeline and all that it made; return the proof.

    Raises BadInput for a definition that would smuggle rows past the gate or into what Transform's
    analyzers tell of all slices (unless `accept_approximate`), and where others would
    be kept out with them, since their ids are spelled nearly alike; NotReproducible for a
    `run_fn` that does not come to the same bits twice (unless `accept_approximate`), NothingFound
    for an id without rows: then nothing was changed. Raises CheckFailed if a check failed,
    ResidueFound if something of them is left; values (no ids) that stand elsewhere for another
    reason are left out of the search if `accept_left_out` says so, and the certificate says that
    they may be.
    """
    if isinstance(ids, str):
        raise BadInput("Name ids in a list: a single text would be taken letter by letter.")
    definition, clock = read_definition(pipeline), clock or clock_ahead(0)
    asked = definition.asked(ids, rows=rows)
    umask = os.umask(0)
    os.umask(umask)
    with writing(definition.workspace.root, create=False) as workspace:
        _ensure_key(workspace)
        request = resume_own(workspace, asked)
        lineage = _read(definition)
        if request is None:
            for ledger in _ledgers(definition, lineage).values():
                _must_be_repeatable(ledger, accept_approximate)
            for node in () if accept_approximate else definition.full_passes:
                graph = lineage.of_newest("TransformGraph", node.id).folder
                must_be_in_summation_form(node.id, node.exec_properties, graph)
            request = _open(definition, workspace, lineage, asked, clock=clock)
        mark_ending(definition.connection, lineage.that_will_end())
        with _as_always(umask, temporary=workspace.temporary):
            run(pipeline)
        change = _checked(definition, request, _read(definition), accept_approximate)
        return _finish(
            definition, workspace, request, change, clock=clock, accept_left_out=accept_left_out
        )


@contextmanager
def _as_always(mask: int, *, temporary: Path) -> Iterator[None]:
    """Let a pipeline write as it does without unweave: a pushed model is for others, too.

    But for temporary files, Beam's too, which lie in the workspace, and go with the run.
    """
    before, variable, folder = os.umask(mask), os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    try:
        yield
    finally:
        os.umask(before)
        tempfile.tempdir = folder
        if variable is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = variable


def _open(
    definition: OwnDefinition,
    workspace: Workspace,
    lineage: OwnLineage,
    asked: OwnAsked,
    *,
    clock: Clock,
) -> OwnRequest:
    gated = lineage.artifacts[lineage.gated]
    found = find_own_rows(
        gated.folder,
        gated.splits,
        keys=workspace.keys(),
        asked=asked,
        trained=definition.trained,
    )
    models = {
        trainer: {
            "id": f"m{lineage.of_newest('Model', trainer).id}",
            "weights": published_state(ledger),
        }
        for trainer, ledger in _ledgers(definition, lineage).items()
    }
    before: dict[str, Any] = {
        "models": models,
        "gated": gated.id,
        "rows": dict(found.by_split),
        "trained": sorted(found.trained),
    }
    return open_own(workspace, asked, found=found, before=before, clock=clock)


def _checked(
    definition: OwnDefinition, request: OwnRequest, lineage: OwnLineage, approximate: bool
) -> OwnChange:
    """Look at the run without the rows, and at the one before as long as it is there."""
    if lineage.tainted:
        raise CheckFailed(
            f"Nothing was erased: {', '.join(lineage.makers_of_tainted())} took something of a run "
            f"before, which held who goes: let it take what this run made, or what a Resolver of "
            f"TFX's finds, and run the same forget again."
        )
    old = lineage.artifacts[request.before["gated"]]
    is_there = old.id != lineage.gated and old.folder.is_dir()
    models = []
    for trainer, ledger in _ledgers(definition, lineage).items():
        _must_be_repeatable(ledger, approximate)
        look = partial(
            check_own,
            ledger=ledger,
            gone=request.opened.row_keys,
            trained=request.before["trained"],
        )
        found = look(_gated(lineage, lineage.gated))
        must_hold(found, look(_gated(lineage, old.id)) if is_there else [])
        before = request.before["models"][trainer]
        after = f"m{lineage.of_newest('Model', trainer).id}"
        models.append(OwnModel(trainer, before, after, ledger, found))
    return OwnChange(models, request.before["rows"], lineage.verdicts(), definition.choices)


def _finish(
    definition: OwnDefinition,
    workspace: Workspace,
    request: OwnRequest,
    change: OwnChange,
    *,
    clock: Clock,
    accept_left_out: bool,
) -> OwnForgotten:
    lineage = _read(definition)
    ending = lineage.ending()
    pushed = {one.pushed.parent for one in lineage.artifacts.values() if one.pushed is not None}
    folders = OwnFolders(
        (definition.root, workspace.root, *pushed),
        skip=(request.folder.open_file,),
        files=definition.metadata_files,
    )
    going = [place for one in ending for place in one.places]
    staying, opened = folders.without(*going), request.opened
    left_out = values_elsewhere(staying, opened) if accept_left_out else frozenset()
    scan_own(staying, opened, when="Nothing was erased yet:", left_out=left_out)
    _erase(definition, lineage, ending)
    scan = scan_own(folders, opened, when="After the erasure", left_out=left_out)
    certify_own(
        workspace, request, change, scan=scan, left_out=accept_left_out, clock=clock,
        version=installed_version(),
    )  # fmt: skip
    return _forgotten(workspace, request, change)


def _forgotten(workspace: Workspace, request: OwnRequest, change: OwnChange) -> OwnForgotten:
    def by_shard(model: OwnModel, found: Mapping[str, T]) -> dict[str, T]:
        several = f"{model.trainer}/" if len(change.models) > 1 else ""
        return {f"{several}{shard}": value for shard, value in found.items()}

    shards: dict[str, str] = {}
    changed: dict[str, tuple[str, ...]] = {}
    for model in change.models:
        shards |= by_shard(model, model.shards)
        trained = {str(one.number): one.changed for one in model.ledger.shards if one.changed}
        changed |= by_shard(model, trained)
    words = set(change.guarantees.values())
    own, several = request.folder, len(request.opened.ids) > 1
    return OwnForgotten(
        request.record.id,
        BITS.word if words == {BITS.word} else (words - {BITS.word}).pop(),
        len(request.opened.row_keys),
        shards,
        changed,
        own.certificate,
        tuple(own.certificate_of(place) for place in range(len(request.opened.ids)))
        if several
        else (own.certificate,),
        workspace.public_key,
    )


def _erase(definition: OwnDefinition, lineage: OwnLineage, ending: Sequence[OwnArtifact]) -> None:
    """Erase folders of what ends that lie where the pipeline writes, and mark it."""
    staying = {place for one in lineage.artifacts.values() if one not in ending
               for place in one.places}  # fmt: skip
    for one in ending:
        for place in one.places:
            inside = place.is_relative_to(definition.root) or place == one.pushed
            if inside and place not in staying and place.is_dir():
                shutil.rmtree(place)
                sync_folder(place.parent)
    mark_ended(definition.connection, definition.name, [one.id for one in ending])
    clear_pages(file for file in definition.metadata_files if file.exists())


def _read(definition: OwnDefinition) -> OwnLineage:
    return read_own_lineage(definition.connection, definition.name)


def _ledgers(definition: OwnDefinition, lineage: OwnLineage) -> dict[str, WholeLedger]:
    """Return the ledger of each Trainer's newest run, by the Trainer."""
    return {
        one.id: open_whole_ledger(lineage.of_newest("ModelRun", one.id).folder / LEDGER)
        for one in definition.trainers
    }


def _gated(lineage: OwnLineage, artifact: int) -> Gated:
    one = lineage.artifacts[artifact]
    return Gated(one.folder, one.splits)


def _must_be_repeatable(ledger: WholeLedger, approximate: bool) -> None:
    if ledger.repeatable or approximate:
        return
    raise NotReproducible(
        f"Shard {ledger.tried} was trained twice, in two processes, and came out otherwise in "
        f"{', '.join(ledger.differs)}, so nothing exact can be forgotten: seed what `run_fn` draws "
        f"of, take no time and go through no set in it; or accept an approximate result with "
        f"`accept_approximate`."
    )


def _ensure_key(workspace: Workspace) -> None:
    if not workspace.public_key.exists():
        create_signing_key(path_private=workspace.signing_key, path_public=workspace.public_key)
    if not workspace.head_file.exists():
        with writing_index(workspace):
            sign_log(workspace)
