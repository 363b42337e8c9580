"""The OpenAPI description is true: requests made from it, right and wrong ones, are answered as it
says.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

from spaces.provenance import ScoredClause, Span, Summary

schemathesis = pytest.importorskip(
    "schemathesis", reason="needs schemathesis: pip install -e .[test]"
)
pytest.importorskip("fastapi", reason="needs fastapi: pip install -e .[test]")


class Model:
    """Every summary has all that a summary can have."""

    def summarize_batch(self, texts, *, batch_size, extract):
        spans = (Span(0, 1, "copied", 0, 1), Span(1, 2, "generated"))
        clauses = (ScoredClause(0, 1, 0.25, True),)
        return [Summary(f"{text[0]}乙", spans, clauses, ("一",)) if text else Summary("")
                for text in texts]  # fmt: skip


def describe():
    from spaces.service.app import create_app
    from spaces.service.settings import ServiceSettings

    app = create_app([Model()], ServiceSettings(max_characters=1000, max_list=3))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    refused = ["400", "405", "413", "415", "422"]  # 413: too long is wrong too
    schema.config.checks.negative_data_rejection.expected_statuses = refused
    return schema


@describe().parametrize()
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_described(case) -> None:
    case.call_and_validate()
