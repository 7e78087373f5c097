"""The command line, as people and scripts meet it: real processes, real workspaces.

Bad input gives one sentence, the right exit status, and changes nothing on disk. Workspaces are
prepared with the direct backend; no TFX pipeline runs here but where the disk has to fill up.
"""

import csv
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import pytest

import unweave
from fixtures import SMALL_MODEL
from fixtures.run_here import run_here
from fixtures.warm_python import warm_python
from lineage_store.keys.signing import create_signing_key
from pipelines.backends.direct import DirectBackend
from unweave.cli import commands

COLUMNS = ["person", "ref", "colour", "size", "label"]
# A day that has been, and less than the ninety days ago that a receipt waits.
FORGOTTEN_ON = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=2)
THAT_DAY = f"{FORGOTTEN_ON:%Y-%m-%d}"


def run(*arguments, folder):
    """Run a command in a folder; return status, standard output and standard error."""
    return ended(start("-m", "unweave", *arguments, folder=folder))


def start(*arguments, folder, python=None):
    """Start this Python in a folder, with this source tree."""
    return subprocess.Popen(
        [*(python or warm_python()), *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(unweave.__file__).parents[1])},
    )


def ended(process):
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def digest_of(folder):
    """Return names and contents of all files and folders.

    Left out is what SQLite itself puts next to a file that is read: an index of its log, and the
    log as long as nothing is in it.
    """
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        if path.is_file()
        else None
        for path in folder.rglob("*")
        if path.suffix != ".sqlite-shm" and not _is_empty_log(path)
    }


def _is_empty_log(path):
    return path.suffix == ".sqlite-wal" and not path.stat().st_size


def lines(rows=300):
    """Rows of twenty people; what they say is random, and the same every time."""
    draw = random.Random(1)
    return [COLUMNS] + [
        [f"person-{n % 20}", f"ref-{n}", draw.choice("rgb"), f"{draw.random():.3f}", str(n % 2)]
        for n in range(rows)
    ]


def write(path, table):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with all that a command can be given: good and bad files, and a workspace.

    In the workspace `ws` the model m1 was trained on good.csv, and person-3 was forgotten.
    """
    here = tmp_path_factory.mktemp("command-line")
    good = lines()
    write(here / "good.csv", good)
    project = unweave.Project(here / "ws", backend=DirectBackend(), now=lambda: FORGOTTEN_ON)
    project.train(
        here / "good.csv",
        label="label",
        subject="person",
        row_id="ref",
        shards=2,
        slices=2,
        epochs=2,
        module=SMALL_MODEL,
    )
    project.forget(["person-3"])
    (here / "empty.csv").write_bytes(b"")
    write(here / "header.csv", good[:1])
    write(here / "one-class.csv", [good[0]] + [[*row[:4], "1"] for row in good[1:]])
    write(here / "short-line.csv", [*good[:40], good[40][:3], *good[41:]])
    whole = (here / "good.csv").read_bytes()
    cut = whole.splitlines(keepends=True)
    (here / "cut-quote.csv").write_bytes(b"".join(cut[:40]) + b'person-1,"ref-x')
    (here / "latin.csv").write_bytes(b"".join(cut[:40]) + "person-1,r\xe9f".encode("latin-1"))
    write(here / "same-ids.csv", [*good[:99], [*good[99][:1], "ref-7", *good[99][2:]]])
    write(here / "no-id.csv", [*good[:99], [*good[99][:1], " ", *good[99][2:]]])
    write(here / "twice.csv", [["person", "ref", "size", "size", "label"], *good[1:]])
    write(here / "text.csv", [*good[:40], [*good[40][:3], "person-size", "1"], *good[41:]])
    write(here / "two-sizes.csv", [["person", "ref", "colour", "size", "size"], *good[1:]])
    write(here / "no-colour.csv", [[*row[:2], *row[3:]] for row in good])
    (here / "no-function.py").write_text("def build(spec):\n    return None\n")
    (here / "no-python.py").write_text("def build_model(spec):\nreturn None\n")
    (here / "raises.py").write_text("raise RuntimeError('not today')\n")
    (here / "seen.key").write_bytes(bytes(32))
    (here / "seen.key").chmod(0o644)
    (here / "short.key").write_bytes(bytes(15))
    (here / "short.key").chmod(0o600)
    (here / "other.key").write_bytes(bytes(32))
    (here / "other.key").chmod(0o600)
    shutil.copytree(here / "ws", here / "newer")
    (here / "newer" / "format.json").write_text('{"format": 99}')
    (here / "full-of-things").mkdir()
    (here / "full-of-things" / "letter.txt").write_text("dear reader")
    create_signing_key(path_private=here / "another.pem", path_public=here / "another-public.pem")
    shutil.copy(here / "ws" / "requests" / "r1" / "certificate.json", here / "certificate.json")
    sealed = bytearray((here / "certificate.json").read_bytes())
    sealed[len(sealed) // 2] ^= 1
    (here / "altered.json").write_bytes(sealed)
    return here


@pytest.fixture(scope="module")
def copied(prepared, tmp_path_factory):
    """The same folder once more, so that two commands can run at once."""
    return shutil.copytree(prepared, tmp_path_factory.mktemp("copied") / "of-it")


GOOD = ["train", "--csv", "good.csv", "--label-column", "label"]


def train_on(file, *more):
    return ["train", "--csv", file, "--label-column", "label", "--row-id-column", "ref", *more]


# Each case: what is given, the exit status, and words that the sentence must have.
BAD_TRAINING = {
    "a CSV file that is not there": (train_on("nowhere.csv"), 2, "nowhere.csv cannot be read"),
    "a folder of another table": (train_on("full-of-things"), 2, "no column 'label' in full-of"),
    "an empty file": (train_on("empty.csv"), 2, "empty.csv is empty"),
    "a header and no rows": (train_on("header.csv"), 2, "no rows"),
    "a label column not there": (
        ["train", "--csv", "good.csv", "--label-column", "wages"], 2, "no column 'wages'",
    ),
    "a subject column not there": ([*GOOD, "--subject-column", "who"], 2, "no column 'who'"),
    "a dropped column not there": ([*GOOD, "--drop-columns", "size,hue"], 2, "no column 'hue'"),
    "no feature left": (
        [*GOOD, "--drop-columns", "person,ref,colour,size"], 2, "left as a feature",
    ),
    "a column twice": (train_on("twice.csv"), 2, "'size' stands twice in line 1"),
    "a label with one class": (train_on("one-class.csv"), 2, "one class"),
    "a line with too few fields": (train_on("short-line.csv"), 2, "Line 41 of short-line.csv"),
    "a file that ends within quotes": (train_on("cut-quote.csv"), 2, "at line 41"),
    "a file that is not UTF-8": (train_on("latin.csv"), 2, "is not UTF-8: name its --encoding"),
    "a row id twice": (train_on("same-ids.csv"), 2, "the second is in line 100"),
    "a row id that is empty": (train_on("no-id.csv"), 2, "in line 100 of no-id.csv is empty"),
    "a module that is not there": (train_on("good.csv", "--module", "no.py"), 2, "no.py"),
    "a module that is no Python": (
        train_on("good.csv", "--module", "no-python.py"), 2, "no-python.py is no Python: line 2",
    ),
    "a module that fails to load": (
        train_on("good.csv", "--module", "raises.py"), 2, "raises.py fails when it is loaded",
    ),
    "a module without the function": (
        train_on("good.csv", "--module", "no-function.py"), 2, "no function build_model",
    ),
    "a secret that others can read": (train_on("good.csv", "--key-file", "seen.key"), 2, "644"),
    "a secret that is too short": (
        train_on("good.csv", "--key-file", "short.key"), 2, "holds 15 bytes",
    ),
    "a secret that is not there": (
        train_on("good.csv", "--key-file", "no.key"), 2, "no.key cannot be read",
    ),
    "no shards": (train_on("good.csv", "--shards", "0"), 2, "--shards is 0"),
    "too many slices": (train_on("good.csv", "--slices", "100"), 2, "--slices is 100"),
    "a number of epochs that is none": (train_on("good.csv", "--epochs", "two"), 2, "'--epochs'"),
    "a batch of nothing": (train_on("good.csv", "--batch-size", "0"), 2, "--batch-size is 0"),
    "a seed below zero": (train_on("good.csv", "--seed", "-1"), 2, "--seed is -1"),
    "a record policy that there is not": (train_on("good.csv", "--record", "some"), 2, "'some'"),
    "a risk rule that is none": (train_on("good.csv", "--risk-rule", "size"), 2, "Risk rule 1"),
    "a risk rule without a number": (
        train_on("good.csv", "--risk-rule", "size<person-3"), 2, "'size' with what is no number",
    ),
    "a risk rule on a column not there": (
        train_on("good.csv", "--risk-rule", "hue=r"), 2, "no column 'hue'",
    ),
    "more risk rules than slices": (
        train_on("good.csv", "--risk-rule", "size>=1", "--slices", "1"), 2, "it goes from 2",
    ),
    "more shards for likely rows than shards": (
        train_on("good.csv", "--risk-rule", "size>=1", "--risk-shards", "6"), 2, "goes from 0 to 5",
    ),
    "a share of all rows": (
        train_on("good.csv", "--risk-rule", "size>=1", "--risk-share", "100"), 2, "from 0 to 99",
    ),
    "shards for likely rows without a rule": (
        train_on("good.csv", "--risk-shards", "2"), 2, "give a rule",
    ),
    "an option that there is not": (train_on("good.csv", "--quickly"), 2, "--quickly"),
    "an option that is missing": (["train", "--label-column", "label"], 2, "'--csv'"),
    "a family that needs a label": (
        ["train", "--csv", "good.csv"], 2, "Change this: The family keras learns to tell a label, "
        "and no column was named as one: name it with --label-column",
    ),
}  # fmt: skip

ON_WORKSPACE = {
    "nobody to forget": (["forget"], 2, "SUBJECT"),
    "an empty name": (["forget", ""], 2, "none that is empty"),
    "an unknown subject": (["forget", "person-77"], 3, "no row in any live model"),
    "an unknown row": (["forget", "--rows", "ref-7777"], 3, "no row in any live model"),
    "one of two subjects unknown": (["forget", "person-4", "person-77"], 3, "subject 2 of 2"),
    "a subject that was forgotten": (["forget", "person-3"], 3, THAT_DAY),
    "a second subject that was forgotten": (["forget", "person-4", "person-3"], 3, THAT_DAY),
    "a dry run for an unknown subject": (["forget", "person-77", "--dry-run"], 3, "no row"),
    "an unknown strategy": (
        ["forget", "person-4", "--strategy", "hope"], 2, "no strategy 'hope'",
    ),
    "a guarantee that no strategy gives": (
        ["forget", "person-4", "--guarantee", "certified"], 2, "certified",
    ),
    "a guarantee that there is not": (
        ["forget", "person-4", "--guarantee", "total"], 2, "'total'",
    ),
    "a strategy that is less than asked": (
        ["forget", "person-4", "--guarantee", "exact", "--strategy", "amnesiac"], 2, "amnesiac",
    ),
    "a trace of an unknown subject": (["trace", "subject", "person-77"], 3, "no row"),
    "a trace of who was forgotten": (["trace", "subject", "person-3"], 3, THAT_DAY),
    "a trace of an unknown model": (["trace", "model", "m9"], 3, "no such model"),
    "a trace of an unknown batch": (["trace", "batch", "s0.r0.e0.b99"], 3, "no such batch"),
    "a trace of a batch of an unknown shard": (["trace", "batch", "s7.r0.e0.b0"], 3, "shard 7"),
    "a trace of a batch that is gone": (["trace", "batch", "m1:s0.r0.e0.b0"], 3, "m1 is deleted"),
    "a trace of what is no batch": (["trace", "batch", "batch 7"], 2, "s0.r1.e2.b3"),
    "a trace of a kind that there is not": (["trace", "planet", "mars"], 2, "'planet'"),
    "a trace in MLMD without any": (["trace", "artifact", "1"], 2, "no metadata"),
    "predictions of an unknown model": (
        ["predict", "--csv", "good.csv", "--model", "m9"], 3, "no such model",
    ),
    "predictions of a deleted model": (
        ["predict", "--csv", "good.csv", "--model", "m1"], 2, "m1 is deleted",
    ),
    "predictions for what is no number": (
        ["predict", "--csv", "text.csv"], 2, "Line 41 of text.csv has no number in the column "
        "'size', where the model takes one: correct it, leave it empty, or give --lenient",
    ),
    "predictions without a column": (
        ["predict", "--csv", "no-colour.csv"], 2, "There is no column 'colour' in no-colour.csv",
    ),
    "predictions for a column that is there twice": (
        ["predict", "--csv", "two-sizes.csv"], 2, "'size' stands twice in two-sizes.csv",
    ),
    "predictions into the table itself": (
        ["predict", "--csv", "good.csv", "--out", "good.csv"], 2, "good.csv is the table itself",
    ),
    "the cost of an unknown model": (["cost", "--model", "m9"], 3, "no such model"),
    "the cost of a deleted model": (["cost", "--model", "m1"], 2, "m1 is deleted"),
    "a pattern that is no number": (["cost", "--pattern", "half"], 2, "0.2,0.8"),
    "a pattern for bands that are not there": (["cost", "--pattern", "0.2,0.8"], 2, "of 1 bands"),
    "another secret than the workspace's": (
        train_on("good.csv", "--key-file", "other.key"), 2, "another secret",
    ),
}  # fmt: skip

ELSEWHERE = {
    f"{command[0]} in {place}": ([*command, "--workspace", place], status, words)
    for command in (
        ["forget", "person-4"],
        ["forget", "person-4", "--dry-run"],
        ["trace", "model", "m1"],
        ["models"],
        ["status"],
        ["cost"],
        ["predict", "--csv", "good.csv"],
    )
    for place, status, words in (
        ("nowhere", 3, "no workspace in nowhere"),
        ("newer", 2, "format 99"),
    )
} | {
    "train in a newer workspace": ([*GOOD, "--workspace", "newer"], 2, "format 99"),
    "train in a folder of other things": (
        [*GOOD, "--workspace", "full-of-things"], 2, "is not empty and is no workspace",
    ),
    "a command that there is not": (["undo"], 2, "'undo'"),
    "verify without its file": (["verify", "no.json"], 2, "cannot be read"),
    "verify with a key file that is not there": (
        ["verify", "certificate.json", "--public-key", "no.pem"], 2, "no.pem",
    ),
    "verify with a key file that is none": (
        ["verify", "certificate.json", "--public-key", "good.csv"], 2, "good.csv",
    ),
}  # fmt: skip


def assert_one_sentence(answer, *, status, words):
    returned, output, errors = answer
    assert returned == status, (output, errors)
    assert output == ""
    assert errors.startswith("unweave: ") and errors.endswith("\n"), errors
    assert errors.count("\n") == 1 and "Traceback" not in errors
    assert words in errors
    assert not any(name in errors for name in ("person-", "ref-")), "ids stay out of messages"


def assert_one_object(answer, *, status, words):
    returned, output, errors = answer
    assert returned == status, (output, errors)
    assert errors == ""
    told = json.loads(output)
    assert output.count("\n") == 1
    assert told["ok"] is False and told["exit_status"] == status
    assert words in told["error"] and "\n" not in told["error"]


@pytest.mark.parametrize("case", BAD_TRAINING)
def test_bad_training_input_gives_one_sentence_and_leaves_no_trace(case, prepared, copied):
    arguments, status, words = BAD_TRAINING[case]
    # Once for a workspace that is not there yet, once for one with models in it.
    both_change_nothing(
        [*arguments, "--workspace", "some/new"],
        [*arguments, "--workspace", "ws", "--json"],
        folders=(prepared, copied),
        expected={"status": status, "words": words},
    )


@pytest.mark.parametrize("case", [*ON_WORKSPACE, *ELSEWHERE])
def test_a_wrong_question_gives_one_sentence_and_changes_nothing(case, prepared, copied):
    arguments, status, words = (ON_WORKSPACE | ELSEWHERE)[case]
    if case in ON_WORKSPACE:
        arguments = [*arguments, "--workspace", "ws"]
    both_change_nothing(
        arguments,
        [*arguments, "--json"],
        folders=(prepared, copied),
        expected={"status": status, "words": words},
    )


def both_change_nothing(arguments, with_json, *, folders, expected):
    """Run two commands, each in its folder, the second with --json, and check all of it."""
    before = [digest_of(folder) for folder in folders]
    assert_one_object(run_here(*with_json, folder=folders[1]), **expected)
    assert_one_sentence(run_here(*arguments, folder=folders[0]), **expected)
    assert [digest_of(folder) for folder in folders] == before


@pytest.mark.parametrize(
    ("arguments", "verdict", "status"),
    [
        (["certificate.json", "--public-key", "ws/keys/public.pem"], "verified", 0),
        (["certificate.json"], "intact, signer unknown", 1),
        (["certificate.json", "--public-key", "another-public.pem"], "signed by another key", 1),
        (["altered.json", "--public-key", "ws/keys/public.pem"], "altered", 1),
        (["good.csv", "--public-key", "ws/keys/public.pem"], "altered", 1),
    ],
)
def test_verify_passes_the_sealed_certificate_with_its_key_and_no_other(
    arguments, verdict, status, prepared
):
    returned, output, errors = run("verify", *arguments, folder=prepared)
    assert (returned, errors) == (status, "")
    assert output.startswith(f"{verdict}: ")
    returned, output, errors = run("verify", *arguments, "--json", folder=prepared)
    told = json.loads(output)
    assert (returned, errors) == (status, "")
    assert (told["verdict"], told["ok"]) == (verdict, status == 0)


@pytest.fixture
def held(prepared):
    """The workspace while another process writes to it and has a temporary file in it."""
    code = (
        "import sys, pathlib; from lineage_store.workspace.folder import writing\n"
        "with writing(pathlib.Path('ws'), create=False) as workspace:\n"
        "    (workspace.temporary / 'half-done').write_text('of the other command')\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.readline()\n"
    )
    other = start("-c", code, folder=prepared)
    assert other.stdout.readline() == "held\n"
    yield prepared
    other.communicate("done\n", timeout=30)
    assert other.returncode == 0


def test_a_workspace_in_use_turns_a_second_writer_away_and_stays_as_it_is(held):
    before = digest_of(held)
    for arguments in (["forget", "person-4"], GOOD):
        place = [*arguments, "--workspace", "ws"]
        assert_one_sentence(run(*place, folder=held), status=75, words="in use by another")
        assert_one_object(run(*place, "--json", folder=held), status=75, words="in use by another")
        assert digest_of(held) == before


def test_a_workspace_in_use_still_answers_questions(held):
    status, output, _ = run("models", "--workspace", "ws", "--json", folder=held)
    assert status == 0 and [m["model_id"] for m in json.loads(output)["models"]] == ["m1", "m2"]


HEAVY = ("tensorflow", "keras", "tfx", "apache_beam", "ml_metadata", "sqlite_utils", "networkx")


@pytest.mark.parametrize(
    "arguments",
    [
        ["models"],
        ["status"],
        ["trace", "subject", "person-4"],
        ["trace", "model", "m2"],
        ["trace", "batch", "s0.r0.e0.b0"],
        ["cost", "--pattern", "1"],
        ["verify", "certificate.json", "--public-key", "ws/keys/public.pem"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_commands_that_only_read_import_nothing_heavy_and_write_nothing(arguments, prepared):
    code = (
        "import sys\n"
        "from unweave.cli import main\n"
        "asked = sys.argv\n"
        "for json_or_text in ([], ['--json']):\n"
        "    sys.argv = [*asked, *json_or_text]\n"
        "    main()\n"
        f"    print('imported:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    before = digest_of(prepared)
    asked = start(
        "-c", code, *arguments, "--workspace", "ws", folder=prepared, python=[sys.executable]
    )
    status, output, errors = ended(asked)
    assert (status, errors) == (0, "")
    text, answer, end = output.split("imported: []\n")
    assert text and not end
    assert isinstance(json.loads(answer), dict) and answer.count("\n") == 1
    assert digest_of(prepared) == before


def test_an_expected_cost_is_told_for_each_band_and_beside_the_uniform_placement(tmp_path):
    write(tmp_path / "good.csv", lines())
    project = unweave.Project(tmp_path / "ws", backend=DirectBackend())
    made = project.train(
        tmp_path / "good.csv", label="label", row_id="ref", shards=2, slices=3, epochs=2,
        batch_size=8, risk_rules=["colour=zanzibar", "size>=0.9"],
    )  # fmt: skip
    assert made["config"]["partition"]["risk_rules"] == ["colour = (text)", "size >= 0.9"]
    files = [path for path in (tmp_path / "ws").rglob("*") if path.is_file()]
    assert files and not any(b"zanzibar" in path.read_bytes() for path in files)
    asked = ["cost", "--workspace", "ws", "--pattern", "0.1,0,0.9"]
    status, output, errors = run(*asked, "--json", folder=tmp_path)
    assert (status, errors) == (0, "")
    told = json.loads(output)
    assert told["steps"] < made["expected_cost"]["steps"] < told["steps_full"]
    assert [band["rows"] for band in told["bands"]] == [
        band["rows"] for band in made["expected_cost"]["bands"]
    ]
    likely = sum(float(line[3]) >= 0.9 for line in lines()[1:])
    assert told["bands"][1]["rows"] == 0 < told["bands"][2]["rows"] <= likely
    status, output, _ = run(*asked, folder=tmp_path)
    assert status == 0
    for word in ("band 0", "band 2", "90.0%", "expected", "uniform", "shards"):
        assert word in output


def test_a_trace_names_the_subject_by_its_pseudonym_alone(prepared):
    status, output, _ = run("trace", "subject", "person-4", "--workspace", "ws", folder=prepared)
    assert status == 0 and "pseudonym" in output and "person-4" not in output


@pytest.mark.parametrize("name", [None, *commands.commands])
def test_help_lists_every_option_with_a_help_text(name, prepared):
    command = commands if name is None else commands.commands[name]
    arguments = ["--help"] if name is None else [name, "--help"]
    status, output, errors = run(*arguments, folder=prepared)
    assert (status, errors) == (0, "")
    told = " ".join(output.split())
    context = click.Context(command, info_name="unweave", help_option_names=["-h", "--help"])
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.name} has no help text"
            assert all(option in told for option in parameter.opts)
            assert " ".join(parameter.help.split()) in told
        else:
            assert parameter.make_metavar(*_context_if_wanted(context)) in told
    assert command.help.splitlines()[0] in told
    for subcommand in getattr(command, "commands", {}):
        assert f"\n  {subcommand} " in output


def _context_if_wanted(context):
    """Click 8.2 wants the context to make a metavar, and 8.1 does not."""
    old = tuple(map(int, click.__version__.split(".")[:2])) < (8, 2)
    return () if old else (context,)


def test_without_any_argument_the_help_is_shown(prepared):
    assert run(folder=prepared) == run("--help", folder=prepared)


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a disk of so many kilobytes, or makes it leave so many free."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "unweave-test", str(disk)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a small disk takes a root user who may mount")

    def make(kilobytes, *, with_copy_of=None):
        if with_copy_of is None:
            mount(f"size={kilobytes}k")
            return disk
        mount("size=64m")
        shutil.copytree(with_copy_of, disk / "ws")
        status = os.statvfs(disk)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize // 1024
        mount(f"remount,size={used + kilobytes}k")
        return disk

    yield make
    subprocess.run(["umount", str(disk)], capture_output=True)


@pytest.fixture(scope="module")
def larger_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("larger") / "larger.csv"
    write(path, lines(6000))
    return path


FULL = "full"
ON_A_SMALL_DISK = ["--shards", "2", "--slices", "2", "--epochs", "2", "--workspace", "ws"]


# Where it fills up: making the index, migrating it, reading the file, writing the splits.
@pytest.mark.parametrize("kilobytes", [32, 128, 512, 1024])
def test_a_disk_that_fills_up_ends_in_one_sentence_and_no_workspace(
    kilobytes, small_disk, larger_csv
):
    disk = small_disk(kilobytes)
    answer = run(*train_on(larger_csv), *ON_A_SMALL_DISK, folder=disk)
    assert_one_sentence(answer, status=2, words=FULL)
    assert list(disk.iterdir()) == []
    answer = run(*train_on(larger_csv), *ON_A_SMALL_DISK, "--json", folder=disk)
    assert_one_object(answer, status=2, words=FULL)
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("free", [16, 200, 700])
def test_a_disk_that_fills_up_leaves_a_workspace_as_it_was(free, prepared, small_disk, larger_csv):
    disk = small_disk(free, with_copy_of=prepared / "ws")
    before = digest_of(disk)
    answer = run(*train_on(larger_csv), *ON_A_SMALL_DISK, folder=disk)
    assert_one_sentence(answer, status=2, words=FULL)
    assert digest_of(disk) == before
    asked = run("models", "--json", "--workspace", "ws", folder=disk)
    if free < 32:  # SQLite makes an index of its log to read, and that takes so much
        assert_one_object(asked, status=2, words=FULL)
    else:
        assert asked[0] == 0 and len(json.loads(asked[1])["models"]) == 2


@pytest.mark.tfx
def test_a_disk_that_fills_up_within_the_pipeline_leaves_a_workspace_as_it_was(
    prepared, small_disk, larger_csv
):
    disk = small_disk(1900, with_copy_of=prepared / "ws")
    before = digest_of(disk)
    known = ["--subject-column", "person"]
    status, told, errors = run(*train_on(larger_csv), *known, *ON_A_SMALL_DISK, folder=disk)
    assert told.startswith("Read ")  # it was understood before the disk was full
    assert_one_sentence((status, "", errors), status=2, words=FULL)
    after = digest_of(disk)
    assert after.pop("ws/metadata.sqlite"), "the pipeline ran: MLMD keeps that it failed"
    assert after == before


def test_an_unfinished_line_of_a_large_file_is_named_before_anything_is_trained(prepared):
    table = lines(5000)
    path = prepared / "large.csv"
    write(path, table)
    with path.open("a", encoding="utf-8") as stream:
        stream.write("person-1,ref-5001,r")
    before = digest_of(prepared)
    answer = run(*train_on("large.csv"), "--workspace", "ws", folder=prepared)
    assert_one_sentence(answer, status=2, words="Line 5002 of large.csv has 3 fields")
    assert digest_of(prepared) == before
    path.unlink()


def test_a_dry_run_of_a_training_says_what_was_understood_and_leaves_nothing(tmp_path):
    rows = "".join(f"p{n % 9};{n};{'yes' if n % 2 else 'no'}\n" for n in range(60))
    (tmp_path / "t.csv").write_text("who;size;y\n" + rows)
    asked = ["train", "--data", "t.csv", "--label-column", "y", "--subject-column", "who"]
    asked += ["--workspace", "ws", "--dry-run"]
    status, shown, _ = run(*asked, folder=tmp_path)
    assert status == 0 and "CSV, ';' between fields" in shown
    assert "'y': a classification, since the label in line 2 is a text" in shown
    told = json.loads(run(*asked, "--json", "--show-values", folder=tmp_path)[1])
    assert told["dry_run"] and told["understood"]["class_rows"] == [30, 30]
    assert '"yes"' not in json.dumps(told) and [*tmp_path.iterdir()] == [tmp_path / "t.csv"]


def test_an_option_that_is_given_twice_and_taken_once_is_an_error(tmp_path):
    asked = ["train", "--data", "t.csv", "--row-id-column", "a", "--row-id-column", "b"]
    status, _, why = run(*asked, folder=tmp_path)
    assert status == 2 and "--row-id-column is given 2 times, and is taken once" in why


def odd_table(path, rows=120):
    """A table whose names CSV must quote, and what decides the label stands under one of them."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["who", 'width "mm"', "town, street", "it's", "y"])
        for n in range(rows):
            width = n * 37 % 101
            fields = [f"p{n % 40}", width, f"Ulm, {n % 3}", "a'b", "wide" if width > 50 else "thin"]
            writer.writerow(fields)


def test_columns_of_any_name_are_learnt_from_left_out_and_forgotten(tmp_path):
    odd_table(tmp_path / "t.csv")
    asked = ["train", "--data", "t.csv", "--label-column", "y", "--subject-column", "who", "--json"]
    status, told, why = run(*asked, "--family", "naive-bayes", folder=tmp_path)
    assert status == 0, told
    columns = {one["name"]: one["kind"] for one in json.loads(told)["understood"]["columns"]}
    assert columns == {'width "mm"': "number", "town, street": "text", "it's": "text"}
    status, told, why = run("predict", "--data", "t.csv", "--json", folder=tmp_path)
    labels = ["wide" if n * 37 % 101 > 50 else "thin" for n in range(120)]
    right = map(str.__eq__, labels, json.loads(told)["predictions"])
    assert status == 0 and sum(right) > 100, why  # the width alone tells the label
    status, told, why = run("forget", "p3", "--replay", "--json", folder=tmp_path)
    assert (status, json.loads(told)["guarantee"]) == (0, "exact"), why
    drop = ["--drop-columns", '"width ""mm""","town, street"', "--dry-run"]
    status, told, why = run(*asked, *drop, folder=tmp_path)
    assert status == 0, why
    assert [one["name"] for one in json.loads(told)["understood"]["columns"]] == ["it's"]


def test_row_ids_where_rows_have_none_and_a_table_that_was_forgotten_are_told_so(tmp_path):
    odd_table(tmp_path / "t.csv")
    asked = ["train", "--data", "t.csv", "--label-column", "y", "--subject-column", "who"]
    assert run(*asked, "--family", "naive-bayes", folder=tmp_path)[0] == 0
    status, _, why = run("forget", "--rows", "5", folder=tmp_path)
    assert status == 3 and "rows have no ids here: none was trained with --row-id-column" in why
    assert run("forget", *(f"p{n}" for n in range(40)), folder=tmp_path)[0] == 0
    status, _, why = run(*asked, "--family", "naive-bayes", folder=tmp_path)
    assert status == 2 and "once 120 rows were kept out, of what was forgotten here" in why


def test_a_table_from_a_pipe_is_refused_in_one_sentence(tmp_path):
    process = start("-m", "unweave", "train", "--data", "/dev/stdin", "--label-column", "y",
                    folder=tmp_path)  # fmt: skip
    _, why = process.communicate("a,y\n1,no\n", timeout=120)
    assert process.returncode == 2 and "is a pipe or a device, and a table is read twice" in why
    assert not (tmp_path / "workspace").exists()
