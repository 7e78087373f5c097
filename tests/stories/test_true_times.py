"""An event, a certificate and a register's entry bear the time at which they happened (law 11).

The clock moves on at every look, so that two readings never agree, and a time that was read before
something happened is told from one that was read when it did.
"""

import csv
from contextlib import closing
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest

from lineage_store.clock import clock_ahead, machine_time, seconds_ahead, time_text
from lineage_store.index import deletions, models
from lineage_store.index.database import read_index
from lineage_store.keys import load_public_key
from lineage_store.log import events
from pipelines.backends.direct import DirectBackend
from unlearning.certificates import verify
from unweave import Project

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 1}
START = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)


class Ticking:
    """A clock that is a second further whenever it is read."""

    def __init__(self):
        self.now = START

    def __call__(self):
        self.now += timedelta(seconds=1)
        return self.now


class Watched(DirectBackend):
    """Notes when it was asked for a run, and lets an hour go by while it works."""

    def __init__(self, clock):
        self.clock, self.asked = clock, []

    def train(self, job):
        self._working()
        super().train(job)

    def delete(self, job):
        self._working()
        super().delete(job)

    def _working(self):
        self.asked.append(time_text(self.clock.now))
        self.clock.now += timedelta(hours=1)


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A training, a deletion, and two more of the queue that one command carries out."""
    here = tmp_path_factory.mktemp("times")
    with (here / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "label"])
        out.writerows([f"p{n % 12}", n % 7, "ab"[n % 2]] for n in range(120))
    clock = Ticking()
    backend = Watched(clock)
    project = Project(here / "ws", backend=backend, now=clock)
    project.train(here / "t.csv", **OPTIONS)
    project.forget(["p0"])
    project.requests.add(["p1"])
    project.requests.add(["p2"], guarantee="approximate")
    project.requests.run()
    with closing(read_index(here / "ws" / "unweave.sqlite")) as connection:
        yield (
            here / "ws",
            backend.asked,
            list(events.events(connection)),
            models.models(connection),
            deletions.all_requests(connection),
        )


def test_the_log_never_goes_back(history):
    _, _, logged, *_ = history
    times = [one.time for one in logged]
    assert times == sorted(times)
    assert len(set(times)) > len(times) / 2


def test_a_model_is_made_when_its_run_has_made_it(history):
    _, asked, logged, known, _ = history
    made = [one for one in logged if one.kind == "model made"]
    assert len(made) == len(asked) == len(known)
    for one, model, begun in zip(made, known, asked, strict=True):
        assert an_hour_after(begun) <= one.time == model.created


def test_a_deletion_ends_and_is_certified_when_it_is(history):
    root, asked, logged, known, requests = history
    ended = {one.body["request"]: one.time for one in logged if one.kind == "rows deleted"}
    assert list(ended) == [one.id for one in requests] and len(ended) == len(asked) - 1
    for request, begun in zip(requests, asked[1:], strict=True):
        sealed = (root / "requests" / request.id / "certificate.json").read_bytes()
        verified = verify(sealed, load_public_key(root / "keys/public.pem"))
        assert verified.verdict == "verified"
        certificate = verified.statement["predicate"]
        assert request.created <= begun < an_hour_after(begun) <= certificate["certified"]
        assert certificate["certified"] <= ended[request.id] == request.ended
    for model, successor in pairwise(known):
        assert successor.created <= model.ended


def test_the_requests_of_one_command_end_one_after_the_other(history):
    *_, logged, _, _ = history
    ended = [one.time for one in logged if one.kind == "request ended"]
    assert len(ended) == 2 and ended[1] >= an_hour_after(ended[0])


def test_a_clock_is_handed_to_a_pipeline_as_what_it_is_ahead_of_the_machines():
    assert {seconds_ahead(lambda: time_text(machine_time())) for _ in range(2000)} == {0}
    later = clock_ahead(7200)
    assert abs(seconds_ahead(later) - 7200) <= 1
    assert (
        abs(seconds_ahead(lambda: time_text(START)) - (START - machine_time()).total_seconds()) < 2
    )


def an_hour_after(moment):
    return time_text(datetime.fromisoformat(moment) + timedelta(hours=1))
