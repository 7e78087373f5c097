"""What should have gone fails wherever it is put back, and the model as it was fails everything.

What went is put back into each kind of field of a unit, and the engine's checks must find it, with
a twin and without one; the key of a row that went into each kind of file that a model is made of,
and the scan must find it there.
"""

import json
import re
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from lineage_store.ledger import open_ledger
from lineage_store.tensors import first_difference, load_state, save_state
from tests.unlearning.families.contract_cases import case_of, every_family
from tests.unlearning.families.contract_lies import rewritten
from unlearning.erasure.scan import scan_folder
from unlearning.strategies.known_strategies import exact_strategy

EQUALS_THE_TWIN = "all weights equal the twin's, byte for byte"


@pytest.fixture(scope="module")
def results(deletion_of, new_folder):
    """Return a function that gives plan and result of a family's exact strategy, and the twin."""
    known = {}

    def result(family):
        if family not in known:
            deletion = deletion_of(family)
            plan = deletion.plan(exact_strategy(family))
            new = deletion.carried_out(plan, new_folder() / "ledger")
            known[family] = plan, new, deletion.twin(plan, new_folder() / "twin")
        return known[family]

    return result


@pytest.mark.parametrize("family", every_family())
def test_the_result_passes_and_the_original_fails(family, deletion_of, results):
    deletion, (plan, new, twin) = deletion_of(family), results(family)
    of_result, of_original = (
        {check.name: check.outcome for check in deletion.report(plan, one, twin=twin).checks}
        for one in (new, deletion.situation.ledger)
    )
    assert set(of_result.values()) <= {"passed", "uninformative"}
    assert of_result[EQUALS_THE_TWIN] == "passed"
    assert set(of_original.values()) <= {"failed", "uninformative"}
    assert of_original[EQUALS_THE_TWIN] == "failed"


def fields_put_back(family, old, new, part):
    """Yield what a unit is with what went put back, a kind of field at a time: record, and state.

    Whole fields are the old ones; arrays that are one kind have numbers in their names.
    """
    shard, before = new.shard(part), old.shard(part)
    for record in shard.stages():
        was, state = before.checkpoint(record.stage), shard.checkpoint(record.stage)
        other = [name for name in was if first_difference({name: was[name]}, state)]
        for kind in dict.fromkeys(re.sub(r"\d.*", "", name) for name in other):
            back = {name: was[name] for name in other if name.startswith(kind)}
            yield kind, record, {**state, **back}
        for kind, left in case_of(family).leftovers(was, state):
            yield kind, record, left
        known = before.stages()[record.stage]
        for name in ("rows", "rows_digest"):
            yield name, replace(record, **{name: getattr(known, name)}), state


def failed(report):
    return {check.name for check in report.checks if check.outcome == "failed"}


@pytest.mark.parametrize("family", every_family())
def test_what_is_put_back_into_any_field_of_a_unit_fails(family, deletion_of, results, tmp_path):
    deletion, (plan, new, twin) = deletion_of(family), results(family)
    part = next(one.shard for one in plan.shards if one.changes)
    found = list(fields_put_back(family, deletion.situation.ledger, new, part))
    assert len(found) > 3 * len(new.shard(part).stages())
    for at, (kind, record, state) in enumerate(found):
        folder = shutil.copytree(new.folder, tmp_path / str(at))
        changed = open_ledger(folder)
        rewritten(changed.shard(part), record, state)
        by_twin = failed(deletion.report(plan, changed, twin=twin))
        assert EQUALS_THE_TWIN in by_twin or kind.startswith("rows"), kind
        if not by_twin - {EQUALS_THE_TWIN}:  # which units are taken again follows from the nonce
            reports = (deletion.report(plan, changed, nonce=bytes([n])) for n in range(50))
            assert any(map(failed, reports)), f"{kind} of stage {record.stage}: only by the twin"


def into_json(file, key):
    value = json.loads(file.read_text())
    file.write_text(json.dumps({"kept": {key.hex(): value}}))


def into_lines(file, key):
    file.write_text(f'{file.read_text()}{{"kept": "{key.hex()}"}}\n')


def into_state(file, key):
    state = load_state(file)
    save_state(file, {**state, "kept": np.frombuffer(key, np.uint8)})


def into_records(file, key):
    records = np.load(file)
    if records.dtype.names is None:  # answers on evaluation rows: numbers alone
        return into_bytes(file, key)
    if len(records):
        records["row_key"][0] = np.frombuffer(key, np.uint8)
    np.save(file, records)
    return len(records)


def into_archive(file, key):
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kept", key)


def into_bytes(file, key):
    file.write_bytes(file.read_bytes() + key)


# A family that writes files of another kind says how a key gets into one.
INTO = {
    "": into_bytes,
    ".json": into_json,
    ".jsonl": into_lines,
    ".safetensors": into_state,
    ".npy": into_records,
    ".zip": into_archive,
    ".py": into_lines,
}


@pytest.mark.parametrize("family", every_family())
def test_a_key_that_is_put_back_into_any_file_of_a_model_is_found(
    family, deletion_of, results, tmp_path
):
    deletion, (_, new, _) = deletion_of(family), results(family)
    keys = [bytes(key) for gone in deletion.situation.deleted.values() for key in gone]
    patterns = [*keys, *(key.hex().encode() for key in keys)]
    model = {"ledger": new.folder, "rows": deletion.after.folder}
    for name, folder in model.items():
        shutil.copytree(folder, tmp_path / name)
    assert scan_folder(tmp_path, patterns).clean
    assert not scan_folder(deletion.before.folder, patterns).clean
    wanted, kinds = [], set()
    for file in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        if file.suffix not in kinds and INTO[file.suffix](file, keys[0]) != 0:
            kinds.add(file.suffix)
            wanted.append(str(file.relative_to(tmp_path)))
    assert {".json", ".safetensors", ".npy"} <= kinds
    assert sorted(scan_folder(tmp_path, patterns).found) == sorted(wanted)
