"""Random requests: the paths of the API and others, with arguments and bodies of every kind."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

_PATHS = (
    "/sql/execute", "/query/{id}/execute", "/query/{id}/pipeline/execute", "/query/{id}/pipeline", "/query/{id}/results",
    "/query/{id}/results/csv", "/query/{id}", "/execution/{run}/status", "/execution/{run}/results", "/execution/{run}/results/csv",
    "/execution/{run}/cancel", "/pipelines/executions/{run}/status", "/usage", "/", "/nosuch", "/execution//results", "/query/1/",
)  # fmt: skip
_METHODS = ("GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
_IDS = ("1", "2", "0", "-1", "999999999", "abc", "1e3", "%00", "..%2f..", "🦆", "2147483647", "١")
_NAMES = (
    "limit", "offset", "columns", "filters", "sort_by", "sample_count", "allow_partial_results", "ignore_max_datapoints_per_request",
    "params.p", "params.", "performance", "api_key", "nosuch", "format",
)  # fmt: skip
_VALUES = (
    "", "0", "1", "-1", "5", "1e3", "99999999999999999999", "true", "x", "x,y", "x desc", "x > 1", "x IN ('a', 'b')", "x = 'a' AND (y < 2",
    "x LIKE '%'", "nosuch", "\x00", "🦆", "'", '"x"', "x = 1; DROP TABLE t", "x = (SELECT 1)", "NaN", "null", "١", "x IS NOT NULL", "(" * 50,
)  # fmt: skip
_BODIES: tuple[Any, ...] = (
    None, {}, [], "a", 1, {"sql": "SELECT 1"}, {"sql": 5}, {"sql": None}, {"sql": ""}, {"sql": "SELECT {{p}}", "query_parameters": {"p": [1, 2]}},
    {"query_parameters": {"p": {"a": 1}}}, {"query_parameters": 5}, {"query_parameters": {"p": None}}, {"query_parameters": {"nosuch": 1}},
    {"performance": "huge"}, {"performance": 5}, {"performance": None, "query_parameters": {"p": "x"}}, {"sql": "SELECT 1", "performance": ["a"]},
    {"start_date": "2024-01-01", "end_date": 5}, {"start_date": "x"}, {"query_parameters": {"p": "{{p}}"}}, {"sql": "SELECT '\ud800'"},
)  # fmt: skip
_RAW = (
    b"{",
    b"\xff\xfe",
    b"[" * 2000,
    b"null",
    b'{"sql": "SELECT 1"',
    b"1" * 5000,
    b'{"sql": 1e999}',
    b'{"a":' * 3000,
)


@dataclass(frozen=True)
class RandomRequest:
    """One request."""

    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


def random_request(chance: random.Random, runs: Sequence[str]) -> RandomRequest:
    """Return a request; `runs` are executions that there are."""
    run = chance.choice([*runs[-5:], "01HZZZZZZZZZZZZZZZZZZZZZZZ", "nosuch", "%2e%2e", ""])
    path = chance.choice(_PATHS).replace("{id}", chance.choice(_IDS)).replace("{run}", run)
    params = {chance.choice(_NAMES): chance.choice(_VALUES) for _ in range(chance.randint(0, 3))}
    body = chance.choice(_RAW) if chance.random() < 0.2 else _dumped(chance.choice(_BODIES))
    headers = {
        "X-Dune-Api-Key": chance.choice(("a", "a", "a", "a", "", "é".encode().decode("latin-1")))
    }
    if chance.random() < 0.1:
        headers |= {"Accept-Encoding": "nosuch", "Content-Type": "text/plain; charset=nosuch"}
    return RandomRequest(chance.choice(_METHODS), path, params, body, headers)


def _dumped(body: Any) -> bytes | None:
    return None if body is None else json.dumps(body).encode()
