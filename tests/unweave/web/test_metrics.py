"""Numbers for Prometheus: read by its own parser, true, and of nobody."""

from datetime import date, timedelta

from prometheus_client.parser import text_string_to_metric_families

from fixtures.api_caller import Caller
from fixtures.run_here import run_here
from fixtures.small_desk import SECRETS
from lineage_store.workspace import LastAudit, keep_last_audit, last_audit, working
from unweave.desk.request_queue import RequestQueue
from unweave.session.session import Session
from unweave.web.operations.metrics import metrics


def numbers(caller):
    answer = caller.client.get("/metrics", headers={"authorization": f"Bearer {caller.secret}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert not any(secret in answer.text for secret in SECRETS)
    families = list(text_string_to_metric_families(answer.text))
    assert all(one.type == "gauge" and one.documentation for one in families)
    samples = [sample for one in families for sample in one.samples]
    assert not any(one.labels for one in samples)
    return {one.name.removeprefix("unweave_"): one.value for one in samples}


def test_the_numbers_are_those_of_the_queue_and_the_log(desk):
    engineer = Caller(desk, "engineer")
    told, queue = numbers(engineer), RequestQueue(Session(root=desk.root))
    lines = queue.list()["requests"]
    soon = str(date.fromisoformat(desk.today) + timedelta(days=7))
    assert told["requests_open"] == len(lines) == 7
    assert told["requests_late"] == sum(one["deadline"] < desk.today for one in lines) == 1
    due = sum(desk.today <= one["deadline"] <= soon for one in lines)
    assert told["requests_due"] == due
    assert f"unweave_log_events {told['log_events']:.0f}\n" in metrics(desk)  # to the last digit
    assert told["log_events"] == told["log_head_events"] == engineer.do("showHead")["size"]
    assert 0 <= told["log_head_age_seconds"] < 600
    assert not {"run_age_seconds", "audit_age_seconds", "audit_findings"} & told.keys()


def test_ages_are_told_of_what_there_is(desk):
    engineer = Caller(desk, "engineer")
    now = desk.now()
    keep_last_audit(desk.root, LastAudit((now - timedelta(hours=2)).isoformat(), 3))
    with working(desk.root, since=(now - timedelta(minutes=5)).isoformat(), clock=lambda: 0.0):
        told = numbers(engineer)
    assert 7200 <= told["audit_age_seconds"] < 7800 and told["audit_findings"] == 3
    assert 300 <= told["run_age_seconds"] < 900
    (desk.root / "log.head").unlink()
    assert "log_head_age_seconds" not in numbers(engineer)


def test_the_command_keeps_when_it_audited_and_what_is_damaged_is_none(desk):
    status, said, why = run_here("audit", "--workspace", str(desk.root), folder=desk.root.parent)
    assert status == 0, said + why
    found = last_audit(desk.root)
    assert found.findings == 0 and found.time[:10] >= "2026"
    for text in ("", "{}", "[]", '{"time": 1}'):
        (desk.root / "last-audit.json").write_text(text)
        assert last_audit(desk.root) is None


def test_nobody_reads_the_numbers_without_a_token(desk):
    engineer = Caller(desk, "engineer")
    for headers in ({}, {"authorization": "Bearer x"}, {"cookie": f"desk={engineer.secret}"}):
        assert engineer.client.get("/metrics", headers=headers).status_code == 401
    query = engineer.client.get("/metrics", params={"id": "p3"},
                                headers={"authorization": f"Bearer {engineer.secret}"})  # fmt: skip
    assert query.status_code == 400 and "p3" not in query.text
