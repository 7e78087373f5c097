"""Several workspaces at one desk: a request is filed in each, once, whatever is killed between."""

import pytest

from fixtures.two_desks import make_two, project_of, two_of, user_of
from unweave.web.operations.acting import Filing, file_request
from unweave.web.several.keeping_up import keep_up
from unweave.web.several.part_states import parts_of


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_two(tmp_path_factory.mktemp("two"))


@pytest.fixture
def desk(made, tmp_path):
    return two_of(made, tmp_path)


def filed(desk, *ids, **said):
    return file_request(desk, user_of(desk), Filing(ids=ids, right="erasure", said=said))["request"]


def test_a_request_is_filed_in_each_with_the_same_days(desk):
    (other,) = desk.joined
    project_of(other).requests.add(["p9"], by="Olga")  # its numbers are its own
    request = filed(desk, "p1", requester="Quinn", reason="moved away")
    keep_up(desk)
    (part,) = parts_of(desk, request)
    assert (request, part.part, part.place.name) == ("q1", "q2", "other")
    here, there = (project_of(one).requests for one in (desk, other))
    ours, theirs = here.show("q1"), there.show("q2")
    for name in ("named", "requester", "reason", "received", "deadline", "added_by"):
        assert ours[name] == theirs[name], name
    assert keep_up(desk) == [] and len(there.list()["requests"]) == 2
