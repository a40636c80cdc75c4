"""The API does what it describes: schemathesis asks every operation, with sense and with nonsense."""

import hypothesis
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

pytestmark = pytest.mark.parametrize("database_backend", ["sqlite", "postgresql"], indirect=True)
ENDS_THE_SESSION = ("/auth/logout", "/auth/sessions/{session_id}", "/auth/password", "/auth/reset")


@pytest.fixture
def world(merchant_with):
    return merchant_with()


@pytest.mark.timeout(300)
def test_every_operation_keeps_what_it_describes(app, as_, world):
    token = as_(world.merchant_id).token
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    wrong = []
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path not in ENDS_THE_SESSION:
            wrong += _ask(operation, app, token)
    assert wrong == []


def _ask(operation, app, token):
    """What is wrong with some answers of one operation."""
    found = []
    settings = hypothesis.settings(max_examples=6, database=None, suppress_health_check=list(hypothesis.HealthCheck))

    @hypothesis.given(case=operation.as_strategy())
    @settings
    def ask(case):
        response = case.call(app=app, headers={"Authorization": f"Bearer {token}"})
        if response.status_code != 429:
            case.validate_response(
                response,
                checks=[
                    not_a_server_error,
                    status_code_conformance,
                    content_type_conformance,
                    response_schema_conformance,
                ],
            )

    try:
        ask()
    except Exception as error:  # noqa: BLE001 whatever it is, it is told with its operation
        found.append(f"{operation.method.upper()} {operation.path}: {error}"[:600])
    return found
