"""Evidence at the desk: what the command gives, for whoever may read the records."""

import io
import zipfile
from datetime import date, timedelta

from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.api.project import Project
from unweave.web.operations import evidence_given


def files_in(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_by_a_form_and_by_a_program_it_is_that_of_the_command(desk, tmp_path):
    auditor = sign_in_at_once(desk, "Ada Prüf", "auditor")
    auditor.get("/audit")
    today = str(date.today())
    data = auditor.send("/audit/evidence", since=today, until=today).content
    Project(desk.root).requests.evidence(["r1"], out=tmp_path / "evidence.zip")
    theirs = files_in((tmp_path / "evidence.zip").read_bytes())
    program = Caller(desk, "owner")
    for body in ({"deletions": ["r1"]}, {"model": "m2"}, {"since": today}, {"draw": 1}):
        ours = files_in(program.send("giveEvidence", body=body).content)
        assert ours.keys() == theirs.keys()
        # The draw is an event of its own; the audit has the time at which it was.
        same = {"README.txt", "public.pem", "r1/certificate.json", "r1/plan.json"}
        assert all(ours[name] == theirs[name] for name in same)
    assert files_in(data)["r1/certificate.json"] == theirs["r1/certificate.json"]
    whole = b"".join(theirs.values()).decode()
    assert not any(f'"{name}"' in whole for name in ("p1", "p2", "Quinn Two", "moved away"))
    with reading_index(desk.session.workspace()) as connection:
        (drawn,) = (one.body for one in events.events(connection) if one.kind == "evidence drawn")
    assert drawn["draw"] == 1 and drawn["by"]


def test_a_choice_that_there_is_not_is_told_at_its_field_and_one_is_made_at_a_time(desk):
    auditor = sign_in_at_once(desk, "Ada Prüf", "auditor")
    later = str(date.today() + timedelta(days=1))
    for fields, at in (({"since": later}, "#since"), ({"model": "m9"}, "#model"), ({}, "#model"),
                       ({"draw": "many"}, "#draw"), ({"draw": "7"}, "#draw"),
                       ({"draw": "1", "model": "m1"}, "#model")):  # fmt: skip
        auditor.get("/audit")
        auditor.send("/audit/evidence", **fields)
        assert auditor.answer.status_code == 422 and at in auditor.page.links, fields
    program = Caller(desk, "auditor")
    assert program.send("giveEvidence", body={"draw": 10**6}).status_code == 422
    assert program.send("giveEvidence", body={"deletions": ["r9"]}).status_code == 404
    with evidence_given._MAKING:
        assert program.send("giveEvidence", body={"model": "m1"}).status_code == 503
