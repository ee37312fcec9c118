"""The recorder: passes requests on to a real Dune, and keeps what it answers."""

from __future__ import annotations

import csv
import hmac
import io
import json
from typing import TYPE_CHECKING

from dune_frames._network.attempt import Attempt
from dune_frames._network.exchange import LostError
from dune_frames._network.key import Key
from dune_frames._wire.endpoints import (
    NEXT_OFFSET_HEADER,
    NEXT_URI_HEADER,
    RETRY_AFTER_HEADER,
    Request,
)
from dune_frames.errors import DuneError
from dune_frames.local.addresses import moved
from dune_frames.local.answers import JSON, Answer, RefusedError
from dune_frames.local.call import Call, Sent
from dune_frames.local.endpoints import STARTS_RUNS
from dune_frames.local.gate import Gate
from dune_frames.local.recording import DUNE, Asked, Recording
from dune_frames.local.server import DuneServer, new_key

if TYPE_CHECKING:
    from os import PathLike

    from dune_frames._network.transport import Transport
    from dune_frames._wire import endpoints as wire
    from dune_frames.client import Dune

_SECONDS = 300.0
#: What of an answer's headers is kept, besides its content type.
_KEPT = frozenset({NEXT_URI_HEADER, NEXT_OFFSET_HEADER, RETRY_AFTER_HEADER})


class RecordingDune(DuneServer):
    """A Dune that passes requests on to another one, and keeps the answers in a folder.

    Made by `LocalDune.record`.

    Its gate lets in who has its own `key`, or that of the account.
    """

    def __init__(self, client: Dune, folder: str | PathLike[str]) -> None:
        transport = client._calls.transport  # noqa: SLF001 - a client's connections are its own
        own_key = new_key()
        recording = Recording(folder)
        recording.begin()

        def accepts(key: str) -> bool:
            own = hmac.compare_digest(key.encode(), own_key.encode())
            return own or Key(key).account == transport.account

        self._prepare(Recorder(transport, recording), Gate(accepts), own_key)


class Recorder:
    """Answers as another Dune does, and keeps its answers."""

    def __init__(self, transport: Transport, recording: Recording) -> None:
        self._transport = transport
        self._recording = recording

    def answer(self, endpoint: str, call: Call) -> Answer:
        """Pass a call on, and keep its answer without the key."""
        told = self._passed_on(_request(endpoint, call.sent))
        kept = moved(self._without_key(told), self._transport.base_url, DUNE)
        self._recording.add(endpoint, self._asked(call.sent), kept)
        return moved(kept, DUNE, call.base)

    def close(self) -> None:
        """End nothing: each answer was kept when it came."""

    def _passed_on(self, request: Request) -> wire.Answer:
        try:
            return self._transport.send(request, Attempt.lasting(_SECONDS))
        except (LostError, DuneError) as problem:
            raise RefusedError(502, f"the recorded Dune gave no answer: {problem}") from None

    def _without_key(self, told: wire.Answer) -> Answer:
        headers = {name: self._blotted(told.headers[name]) for name in _KEPT & told.headers.keys()}
        body = self._transport.blot(told.body)
        kind = told.headers.get("content-type", JSON)
        return Answer(body, told.status_code, kind, headers, _rows(body, kind))

    def _asked(self, sent: Sent) -> Asked:
        query = tuple((name, self._blotted(value)) for name, value in sent.query)
        body = self._transport.blot(sent.body)
        return Asked.of(Sent(sent.method, self._blotted(sent.path), query, body))

    def _blotted(self, text: str) -> str:
        return self._transport.blot(text.encode()).decode()


def _request(endpoint: str, sent: Sent) -> Request:
    if sent.body and not isinstance(sent.json, dict):
        raise RefusedError(400, "only requests with a JSON body can be recorded")
    starts_run = endpoint in STARTS_RUNS
    return Request(sent.method, sent.path, sent.query, sent.json, starts_run=starts_run)


def _rows(body: bytes, content_type: str) -> int:
    """Return how many result rows an answer has."""
    if "json" not in content_type:
        return max(sum(1 for _ in csv.reader(io.StringIO(body.decode()))) - 1, 0)
    try:
        return len(json.loads(body)["result"]["rows"])
    except (ValueError, KeyError, TypeError):
        return 0
