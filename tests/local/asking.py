"""A plain HTTP client of the embedded Dune that knows nothing of ours."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from dune_frames.local import LocalDune

KEY = "a key"


@dataclass
class Asker:
    """Asks one server over HTTP."""

    dune: LocalDune
    session: requests.Session = field(default_factory=requests.Session)

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"X-Dune-Api-Key": KEY} | options.pop("headers", {})
        url = f"{self.dune.url}/api/v1{path}"
        return self.session.request(method, url, headers=headers, timeout=20, **options)

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.send("GET", path, params=params)

    def post(self, path: str, **body: Any) -> requests.Response:
        return self.send("POST", path, json=body)

    def finished(self, execution_id: str) -> dict[str, Any]:
        """Poll until an execution ends; return its last status."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            status = self.get(f"/execution/{execution_id}/status").json()
            if status["is_execution_finished"]:
                return status
            time.sleep(0.002)
        raise TimeoutError(execution_id)

    def run(self, sql: str, **parameters: Any) -> dict[str, Any]:
        """Execute SQL and return the whole answer with its results, or with its error."""
        body = {"query_parameters": parameters} if parameters else {}
        execution_id = self.post("/sql/execute", sql=sql, **body).json()["execution_id"]
        self.finished(execution_id)
        return self.get(f"/execution/{execution_id}/results").json()

    def rows(self, sql: str) -> list[list[Any]]:
        """Execute SQL and return its rows in the order of its columns."""
        return rows_of(self.run(sql))


def rows_of(answer: dict[str, Any]) -> list[list[Any]]:
    assert "result" in answer, answer.get("error")
    names = answer["result"]["metadata"]["column_names"]
    return [[row[name] for name in names] for row in answer["result"]["rows"]]
