"""The description in /openapi.json, taken at its word: schemathesis reads it and calls everything.

Answers must be of the described statuses, media types and schemas, and never 500.
"""

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from adserver.api.endpoints import DOCUMENT
from tests.adserver.api.running import Worker

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
schema = schemathesis.openapi.from_file(DOCUMENT.decode())


@schema.parametrize()
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case, worker: Worker) -> None:
    case.headers = {"X-Forwarded-For": "203.0.113.77"} | dict(case.headers or {})
    if case.path == "/v1/ads":
        case.headers["X-App-Key"] = worker.key("app1")
    case.call_and_validate(base_url=f"http://127.0.0.1:{worker.port}", checks=CHECKS)
