"""Pages of the desk, with a million subjects, 100,000 requests and 1,000 models.

A small workspace is trained, and filled up by its own tables: each subject has a pseudonym and one
row, every twentieth request is open, half of the models are live. Then each route that is read is
asked for with ids drawn at random, by a browser without a network. The first answer of a route in
this process stands apart from the others. The processor's time is that of server and browser
together: on a machine that does more than this, it alone tells of the desk.
"""

import csv
import hashlib
import json
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from starlette.testclient import TestClient

from benchmarks.result import Result, Tell
from lineage_store.index import writing_index
from lineage_store.keys import Keys
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.log import LogConnection, events
from lineage_store.log.kinds import RequestEnded, RequestQueued
from lineage_store.requests import Details
from lineage_store.workspace import Workspace, open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.session.session import Session
from unweave.web.accounts.desk_file import desk_file
from unweave.web.accounts.sign_ins import SignIns
from unweave.web.accounts.too_often import Limit
from unweave.web.accounts.users import Users
from unweave.web.application import application
from unweave.web.desk_users import DeskUsers
from unweave.web.process.bindings import bind
from unweave.web.process.desk import Desk

OPEN_EVERY = 20
GOAL = 100.0  # milliseconds at the 95th percentile
NAME = "Dora Ost"


def run(*, quick: bool, tell: Tell) -> Result:
    """Make the workspace, and ask for its pages."""
    subjects, requests, made = (2_000, 500, 20) if quick else (1_000_000, 100_000, 1_000)
    asked = 5 if quick else 60
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        workspace = small(Path(folder))
        began = time.perf_counter()
        known = drawn(workspace, subjects)
        tell(f"pseudonyms: {time.perf_counter() - began:.0f} s")
        with writing_index(workspace) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            with connection:
                add_rows(connection, known)
                add_models(connection, made)
                add_requests(LogConnection(connection), workspace.keys(), requests, subjects)
        tell(f"filled: {time.perf_counter() - began:.0f} s")
        times = ask(workspace, asked, requests=requests, models=made)
    slowest = sorted(times, key=lambda route: -times[route]["p95"])
    return Result(
        title="Pages of the desk",
        columns=("page", "first", "median", "95th percentile", "processor, 95th", "goal"),
        rows=[
            (route, *(f"{times[route][name]:.0f} ms" for name in ("first", "median", "p95", "cpu")),
             "met" if times[route]["p95"] < GOAL else "not met")
            for route in slowest
        ],
        notes=[
            f"{subjects:,} subjects, {requests:,} requests, {made:,} models; {asked} times each.",
            f"Slowest: {', '.join(slowest[:3])}.",
        ],
        numbers={"times": times, "subjects": subjects, "requests": requests, "models": made},
    )  # fmt: skip


def small(folder: Path) -> Workspace:
    """Train on some people, and run two requests: templates of all that is added."""
    table = folder / "people.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        lines = ((f"p{n % 16}", "ABC"[n % 3], n % 9, "xy"[n % 9 > 4]) for n in range(80))
        csv.writer(stream).writerows([("person", "town", "size", "label"), *lines])
    project = Project(folder / "workspace", backend=DirectBackend())
    project.train(table, label="label", subject="person", model_family="naive-bayes", shards=2)
    for one in (["p1"], ["nobody"]):
        project.requests.add(one)
    project.requests.run()
    project.requests.add(["p2"])
    return open_workspace(folder / "workspace")


def drawn(workspace: Workspace, subjects: int) -> list[bytes]:
    """Draw a pseudonym for each subject, as the gate does."""
    with closing(Pseudonyms(workspace.pseudonym_file, workspace.keys())) as pseudonyms:
        found = pseudonyms.get_all([f"Person {number}" for number in range(subjects)])
        pseudonyms.commit()
    return found


def add_rows(connection: sqlite3.Connection, known: Sequence[bytes]) -> None:
    """Give each pseudonym one row of the newest model's part."""
    (part,) = connection.execute("SELECT max(part) FROM snapshot_parts").fetchone()
    keys = [hashlib.blake2b(str(n).encode(), digest_size=16).digest() for n in range(len(known))]
    whose = sorted(zip(known, keys, strict=True))
    connection.executemany(
        "INSERT INTO row_subjects VALUES (?, ?, ?)", ((one, part, key) for one, key in whose)
    )
    connection.executemany(
        "INSERT INTO rows VALUES (?, ?, 'train', 0, ?)",
        ((part, key, one) for key, one in sorted((key, one) for one, key in whose)),
    )


def add_models(connection: sqlite3.Connection, count: int) -> None:
    """Add lines of one model each, every other one live, on the newest model's part."""
    row = dict(connection.execute("SELECT * FROM models WHERE state = 'live'").fetchone())
    (part,) = connection.execute("SELECT max(part) FROM snapshot_parts").fetchone()
    first, snapshot = row["ordinal"], row["snapshot"]
    for number in range(1, count + 1):
        name, live = f"m{first + number}", number % 2
        add = row | {"ordinal": first + number, "id": name, "family": name, "request": None,
                     "snapshot": snapshot + number, "state": "live" if live else "deleted",
                     "ended": None if live else row["created"]}  # fmt: skip
        insert(connection, "models", add)
        if live:
            connection.execute(
                "INSERT INTO snapshot_parts VALUES (?, ?)", (snapshot + number, part)
            )


def add_requests(log: LogConnection, keys: Keys, count: int, subjects: int) -> None:
    """Add requests, and the events of each; those that are over found nothing."""
    draw, today = random.Random(1), date.today()
    over, waiting = (
        dict(log.execute("SELECT * FROM queue WHERE id = ?", (name,)).fetchone())
        for name in ("q2", "q3")
    )
    now = f"{today}T23:59:59+00:00"
    for number in range(4, count + 4):
        is_open, name = number % OPEN_EVERY == 0, f"q{number}"
        received = today - timedelta(days=draw.randrange(300))
        row = waiting if is_open else over
        term = json.dumps(json.loads(row["term"]) | {"received": str(received)}, sort_keys=True)
        add = row | {"ordinal": number, "id": name, "term": term,
                     "deadline": str(received + timedelta(days=30))}  # fmt: skip
        if is_open:
            ids = (f"Person {draw.randrange(subjects)}",)
            add["sealed"] = Details(ids).sealed(name, key=keys.requests, random_bytes=os.urandom)
        else:
            add["ended"] = f"{received + timedelta(days=9)}T12:00:00+00:00"
        insert(log, "queue", add)
        queued = RequestQueued(name, "subject", add["deadline"], size=1, received=str(received))
        events.append(log, queued, time=now)
        if not is_open:
            events.append(log, RequestEnded(name, "nothing found", None), time=now)


def insert(connection: sqlite3.Connection, table: str, row: dict[str, object]) -> None:
    """Insert a row by its columns."""
    places = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", row)


def ask(
    workspace: Workspace, times: int, *, requests: int, models: int
) -> dict[str, dict[str, float]]:
    """Ask for each page again and again; return its times in milliseconds."""
    draw = random.Random(2)
    often = Limit(1_000_000, 60.0, time.monotonic)
    desk = Desk(root=workspace.root, binding=bind("127.0.0.1:8484"), pages=often)
    client = signed_in(desk)
    pages: dict[str, Callable[[], str]] = {
        "requests": lambda: "/",
        "requests, a later page": lambda: f"/?after={date.today()}_{draw.randrange(requests)}",
        "requests that are over": lambda: f"/?show=over&before={draw.randrange(4, requests)}",
        "answers to be sent": lambda: "/?show=send",
        "a request": lambda: f"/requests/q{draw.randrange(4, requests)}",
        "the form of a request": lambda: "/requests/new",
        "people": lambda: "/people",
        "models": lambda: "/models",
        "models, all": lambda: "/models?show=all",
        "a model": lambda: f"/models/m{draw.randrange(2, models)}",
        "its lineage": lambda: f"/models/m{draw.randrange(2, models)}/lineage",
        "what stands around it": lambda: f"/lineage/m{draw.randrange(2, models)}",
        "the way to another": lambda: (
            f"/lineage/m{draw.randrange(2, models)}/to/m{draw.randrange(2, models)}"
        ),
        "a deletion": lambda: "/deletions/r1",
        "audit": lambda: f"/audit?before={draw.randrange(4, requests)}",
        "audit, of a kind": lambda: "/audit?kind=rows+deleted",
        "records": lambda: "/records",
        "verify": lambda: "/verify",
        "health": lambda: "/healthz",
    }
    found = {}
    for name, page in pages.items():
        took, busy = [], []
        for _ in range(times + 1):
            address, began, worked = page(), time.perf_counter(), time.process_time()
            answer = client.get(address)
            took.append(1000 * (time.perf_counter() - began))
            busy.append(1000 * (time.process_time() - worked))
            assert answer.status_code == 200, (address, answer.status_code)
        first, *rest = took
        rest.sort()
        found[name] = {"first": first, "median": rest[len(rest) // 2], "p95": p95(rest),
                       "cpu": p95(sorted(busy[1:]))}  # fmt: skip
    return found


def p95(ordered: Sequence[float]) -> float:
    """Return the 95th percentile of times in order."""
    return ordered[max(0, -(-95 * len(ordered) // 100) - 1)]


def signed_in(desk: Desk) -> TestClient:
    """Return the browser of an officer."""
    DeskUsers(Session(root=desk.root)).add(NAME, "officer")
    with desk_file(desk.root) as connection:
        user = Users(connection, open_workspace(desk.root).keys()).find(NAME)
        cookie = SignIns(connection).begin(user.digest, now=desk.seconds, random_bytes=os.urandom)
    client = TestClient(application(desk), base_url=desk.binding.home.rstrip("/"))
    client.cookies.set(desk.binding.cookie, cookie, domain=desk.binding.address)
    return client
