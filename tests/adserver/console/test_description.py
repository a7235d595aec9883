"""The control plane's /openapi.json, taken at its word: schemathesis reads it and calls everything.

Answers must be of the described statuses, media types and schemas, and never 500. The one
surprising fact: an operator's key calls and ids of things that exist are filled in, so calls reach
the handlers; made-up ids are tried by `test_every_route`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from adserver.accounts.identity import Role
from adserver.console.areas import AREAS
from adserver.console.desk import Desk
from adserver.console.web.description import described
from tests.adserver.console.routed import MINE, routed_desk
from tests.adserver.console.web.people import program_of
from tests.adserver.console.web.running import listening

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
DOCUMENT = described((area.name, one) for area in AREAS for one in area.endpoints)
KNOWN = {
    **MINE,
    "campaign_id": "cmp1",
    "line_item_id": "li1",
    "creative_id": "cr1",
    "app_id": "app1",
    "placement_id": "pl1",
    "partner": "p1",
    "merchant": "m1",
    "period": "2026-10",
    "currency": "CNY",
}
schema = schemathesis.openapi.from_file(DOCUMENT.decode()).exclude(tag="health")


@dataclass
class Caller:
    """An operator's program and where it calls."""

    address: str
    bearer: str


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with routed_desk(tmp_path_factory.mktemp("described")) as desk, listening(desk) as port:
        yield Caller(f"http://127.0.0.1:{port}", bearer_of(desk, port))


def bearer_of(desk: Desk, port: int) -> str:
    return program_of(desk, port, Role.OPERATOR).headers["Authorization"]


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case, caller: Caller) -> None:
    case.headers = {**dict(case.headers or {}), "Authorization": caller.bearer}
    for name in re.findall(r"\{(\w+)\}", case.path):
        if name in KNOWN:
            case.path_parameters[name] = KNOWN[name]
    case.call_and_validate(base_url=caller.address, checks=CHECKS)
