"""A session: a running embedded Dune, and random things that happen to it."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests

from dune_frames.local import LocalDune

from .grammar import Grammar
from .guard import TOKEN, Guard
from .requests_at_random import RandomRequest, random_request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TIMEOUT = 3.0
#: A run ends so long after its time is over, and an answer takes so long at most.
_HANG = 20.0
_INTERNAL = ("internal error", "FAILED_TYPE_UNSPECIFIED")
#: Dune's own answer to a number that is no query's: it is recorded that way.
_RECORDED_500 = "An internal error occured"
GAP = "the embedded Dune cannot run this"


@dataclass(frozen=True)
class Problem:
    """What must not happen, and what it came of."""

    what: str
    cause: str


@dataclass
class Session:
    """Sends random queries and requests; the same seed sends the same.

    Attributes
    ----------
    folder : Path
        An empty folder to be watched.
    seeds : sequence of str
        Queries to make others of.
    seed : int
        Of the chance.
    """

    folder: Path
    seeds: Sequence[str]
    seed: int = 0
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    gaps: list[Problem] = field(default_factory=list)

    def run(self, seconds: float, most: int | None = None) -> None:
        """Go on for some seconds, or for some steps."""
        self._chance = random.Random(self.seed)
        self._http = requests.Session()
        self._runs: list[str] = []
        self._guard = Guard(self.folder)
        grammar = Grammar(self._chance, self.seeds, self._guard.places)
        ends = time.monotonic() + seconds
        with LocalDune(execution_timeout=_TIMEOUT, memory_limit_mb=256) as dune:
            self._url = dune.url
            dune.save_query(1, "SELECT {{p}} AS x, 'a' AS y", {"p": 1})
            dune.save_query(2, "SELECT * FROM query_1", {})
            while time.monotonic() < ends and (most is None or self.counts["steps"] < most):
                self.counts["steps"] += 1
                if self._chance.random() < 0.6:
                    self._query(grammar.query())
                else:
                    self._request(random_request(self._chance, self._runs))
                if self.counts["steps"] % 200 == 0:
                    self._alive()
            self._alive()
        self._guard.close()

    def _problem(self, what: str, cause: str) -> None:
        self.problems.append(Problem(what, cause))

    # Queries

    def _query(self, sql: str) -> None:
        answer = self._send(RandomRequest("POST", "/sql/execute"), sql, json={"sql": sql})
        if answer is None or answer.status_code != 200:
            return
        run = answer.json()["execution_id"]
        self._runs.append(run)
        is_cancelled = self._chance.random() < 0.03
        if is_cancelled:
            self._send(RandomRequest("POST", f"/execution/{run}/cancel"), sql)
        status = self._finished(run, sql)
        self.counts[status.get("state", "hung").removeprefix("QUERY_STATE_")] += 1
        error = status.get("error", {})
        told = f"{error.get('message', '')} {error.get('type', '')}"
        if any(word in told for word in _INTERNAL):
            self._problem("internal error", sql)
        if GAP in told:
            self.gaps.append(Problem(told, sql))
        for path in ("results", "results/csv"):
            self._send(RandomRequest("GET", f"/execution/{run}/{path}", {"limit": "50"}), sql)
        for found in self._guard.problems():
            self._problem(found, sql)

    def _finished(self, run: str, sql: str) -> dict[str, Any]:
        ends = time.monotonic() + _TIMEOUT + _HANG
        while time.monotonic() < ends:
            answer = self._send(RandomRequest("GET", f"/execution/{run}/status"), sql)
            if answer is not None and answer.json().get("is_execution_finished"):
                return dict(answer.json())
            time.sleep(0.002)
        self._problem("the run did not end", sql)
        return {}

    # Requests

    def _request(self, request: RandomRequest) -> None:
        answer = self._send(request, repr(request), data=request.body)
        if answer is not None:
            self.counts[f"HTTP {answer.status_code}"] += 1

    def _send(self, request: RandomRequest, cause: str, **body: Any) -> requests.Response | None:
        headers = request.headers or {"X-Dune-Api-Key": "a"}
        try:
            answer = self._http.request(
                request.method,
                f"{self._url}/api/v1{request.path}",
                params=request.params,
                headers=headers,
                timeout=_HANG,
                allow_redirects=False,
                **body,
            )
        except requests.exceptions.InvalidHeader:
            return None
        except requests.RequestException as error:
            self._problem(f"no answer: {type(error).__name__}", cause)
            return None
        if (answer.status_code >= 500 and _RECORDED_500 not in answer.text) or (
            answer.status_code >= 500 and "/query/" not in request.path
        ):
            self._problem(f"HTTP {answer.status_code}", cause)
        if TOKEN in answer.text:
            self._problem("the watched file was read", cause)
        return answer

    def _alive(self) -> None:
        status = self._send(
            RandomRequest("POST", "/sql/execute"), "SELECT 1", json={"sql": "SELECT 1"}
        )
        if (
            status is None
            or self._finished(status.json()["execution_id"], "SELECT 1").get("state")
            != "QUERY_STATE_COMPLETED"
        ):
            self._problem("the server does not answer any more", "SELECT 1")
