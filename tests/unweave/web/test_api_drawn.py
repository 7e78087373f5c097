"""Calls that are drawn from the description by Schemathesis, right ones and wrong ones.

Whatever is sent, an answer is one that the description has: no error of the desk's own, no wrong
body that is taken, no call without a token that is answered.
"""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from fixtures.api_caller import Caller
from unweave.web.accounts.too_often import Limit
from unweave.web.accounts.users import ROLES
from unweave.web.api.operations_table import OPERATIONS, ROOT
from unweave.web.application import application

schemathesis = pytest.importorskip("schemathesis")  # which Python 3.10 has not
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "negative_data_rejection",
    "missing_required_header",
)  # fmt: skip


def drawn_calls(desk, role, *, examples):
    """Have calls of every operation drawn and sent, by the token of a role."""
    here = replace(
        desk,
        pages=Limit(1_000_000, 60.0, lambda: 0.0),
        binding=replace(desk.binding, names=("testserver",)),  # as Schemathesis asks for it
    )
    token = f"Bearer {Caller(here, role).secret}"
    schema = schemathesis.openapi.from_asgi(f"{ROOT}/openapi.json", application(here))
    checks = [getattr(schemathesis.checks, name) for name in CHECKS]
    for one in OPERATIONS:
        if one.name == "startRun":
            continue
        operation = schema.find_operation_by_id(one.name)
        takes = one.body or one.query or one.changes or "{" in one.path
        for mode in MODES if takes else MODES[:1]:  # of nothing there is nothing wrong

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=examples, deadline=None, database=None, derandomize=True,
                      phases=[Phase.generate], suppress_health_check=list(HealthCheck))  # fmt: skip
            def sent(case):
                case.call_and_validate(headers={"Authorization": token}, checks=checks)

            sent()
    assert not list(desk.root.glob("unforeseen-*"))


@pytest.mark.parametrize("role", ROLES)
def test_many_calls_of_every_operation_by_each_role(desk, role):
    drawn_calls(desk, role, examples=8)
