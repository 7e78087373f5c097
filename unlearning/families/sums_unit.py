"""What all families of sums have in common: one unit a part, one shard, no steps and no module."""

from collections.abc import Callable, Set
from dataclasses import fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from lineage_store.canonical import digest_file
from lineage_store.ledger import OF_PIPELINES, Kind, ShardLedger, StageRecord, TrainOptions
from lineage_store.rows import RowSet
from lineage_store.tensors import State
from unlearning.families.family import ModelSource, PartRun, Unfit

NO_SOURCE = ModelSource("no module", "")


def in_one(options: TrainOptions) -> TrainOptions:
    """Return options with one shard and one slice where nothing else was asked for."""
    return replace(
        options,
        shards=1 if options.shards is None else options.shards,
        slices=1 if options.slices is None else options.slices,
    )


def unfit_for_sums(
    name: str, options: TrainOptions, *, taken: Set[str], module: bool, base: bool
) -> list[Unfit]:
    """Return why a family of sums cannot learn so, whatever the table; it uses those in `taken`."""
    useless = [
        one.name
        for one in fields(options)
        if one.name not in taken | OF_PIPELINES and getattr(options, one.name) != one.default
    ]
    if options.slices not in (None, 1):
        useless.append("slices")
    if options.partition.bands > 1:
        useless.append("risk_rules")
    found = [
        Unfit("never", f"{name} takes no steps, and has no use for `{option}`: leave it out.")
        for option in useless
    ]
    if module:
        why = f"{name} takes no module: leave `module` out, or take another family."
        found.append(Unfit("never", why))
    if base:
        why = f"{name} starts from no other model, and learns its table whole"
        found.append(Unfit("not yet", f"{why}: leave `base` out."))
    return found


def serves_alike(folder: Path, export: Callable[[Path], None]) -> bool:
    """Say whether a folder holds the files that an export writes, and no others."""
    with TemporaryDirectory() as made:
        export(Path(made))
        return _digests(Path(made)) == _digests(folder)


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): digest_file(path) for path in files}


def keep_unit(
    run: PartRun, part: int, *, rows: RowSet, state: State, into: ShardLedger, kind: Kind,
    seconds: float = 0.0,
) -> None:  # fmt: skip
    """Write a part's one unit and which rows it is of; of a part without rows, nothing.

    `seconds` is what making the state took, where that is more than a look at the rows.
    """
    into.folder.mkdir(parents=True, exist_ok=True)
    if not len(rows):
        return
    start = run.clock()
    rows_digest = rows.digest()
    record = StageRecord(
        shard=part,
        stage=0,
        rows=len(rows),
        epochs=0,
        batches=0,
        first_position=0,
        steps=0,
        rows_digest=rows_digest,
        checkpoint_digest="",
        steps_digest="",
        model=run.model,
        seconds=seconds + run.clock() - start,
        kind=kind,
    )
    into.write_stage(record, (), state)
