"""Routes: HTTP around the answers: faults, the gate and the log of requests."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dune_frames.local.answers import Answer, RefusedError, error_answer
from dune_frames.local.call import Call, Sent
from dune_frames.local.delivery import Delivery, prepared
from dune_frames.local.endpoints import PATHS, PREFIX, UNKNOWN
from dune_frames.local.requests_log import RequestRecord, RequestsLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from dune_frames.local.connections import Connections
    from dune_frames.local.faults import Faults
    from dune_frames.local.gate import Gate

_METHODS = ["GET", "POST", "PATCH", "DELETE"]
_LOGGER = logging.getLogger("dune_frames.local")


class Answers(Protocol):
    """What the answers come from."""

    def answer(self, endpoint: str, call: Call) -> Answer:
        """Answer a call to an endpoint, or to what is none (`endpoints.UNKNOWN`)."""

    def close(self) -> None:
        """End whatever still goes on."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every endpoint shares."""

    answers: Answers
    gate: Gate
    latency: float
    faults: Faults
    log: RequestsLog
    connections: Connections


def application(around: Surroundings) -> Starlette:
    """Return the ASGI application of all endpoints."""
    routes = [
        Route(PREFIX + path, Endpoint(name, around), methods=[method])
        for name, (method, path) in PATHS.items()
    ]
    redirect = Route("/{path:path}/", _without_slash, methods=_METHODS)
    elsewhere = Route("/{path:path}", Endpoint(UNKNOWN, around))
    application = Starlette(routes=[*routes, redirect, elsewhere])
    application.router.redirect_slashes = False
    return application


class Endpoint:
    """One endpoint as an ASGI application."""

    def __init__(self, name: str, around: Surroundings) -> None:
        self._name = name
        self._around = around

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; it is in the log before its last byte is sent."""
        around = self._around
        request = Request(scope, receive)
        sent = _sent(request, await request.body())
        await around.connections.pause(around.latency)

        async def act() -> Answer:
            return await run_in_threadpool(self._act, request, sent)

        delivery = await prepared(around.faults.take(self._name), act, around.connections.pause)
        around.log.add(_record(self._name, request, sent, delivery))
        await around.connections.deliver(delivery, scope, receive, send)

    def _act(self, request: Request, sent: Sent) -> Answer:
        try:
            self._around.gate.check(self._name, _key(request))
            body = {} if self._name == UNKNOWN else _read_body(sent)
            return self._around.answers.answer(self._name, _call(request, sent, body))
        except RefusedError as refusal:
            return error_answer(refusal.status, refusal.text)
        except Exception:
            _LOGGER.exception("the embedded Dune failed to answer %s", request.url.path)
            return error_answer(500, "An internal error occured")


async def _without_slash(request: Request) -> Response:
    target = URL(scope=request.scope).replace(path=request.url.path.rstrip("/"), netloc="")
    location = str(target.replace(scheme=""))
    body = f'<a href="{location}">Moved Permanently</a>.\n\n'
    status = 301 if request.method == "GET" else 307
    return Response(body, status, {"Location": location}, "text/html; charset=utf-8")


def _key(request: Request) -> str:
    return request.headers.get("x-dune-api-key") or request.query_params.get("api_key", "")


def _sent(request: Request, body: bytes) -> Sent:
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query = tuple(pair for pair in request.query_params.multi_items() if pair[0] != "api_key")
    return Sent(request.method, raw.decode("latin-1").removeprefix(PREFIX), query, body)


def _call(request: Request, sent: Sent, body: Mapping[str, Any]) -> Call:
    return Call(
        base=f"{request.url.scheme}://{request.url.netloc}",
        path=request.path_params,
        query=_query(sent),
        body=body,
        sent=sent,
    )


def _query(sent: Sent) -> dict[str, str]:
    """Return the query parameters. A query's parameter of several values repeats its name."""
    query = dict(sent.query)
    repeated = {name for name in query if name.startswith("params.")}
    several = {name: [value for key, value in sent.query if key == name] for name in repeated}
    return query | {name: ",".join(values) for name, values in several.items()}


def _read_body(sent: Sent) -> Mapping[str, Any]:
    if not sent.body:
        return {}
    if not isinstance(sent.json, dict):
        raise RefusedError(400, "invalid request body: expected a JSON object")
    read: dict[str, Any] = sent.json
    return read


def _record(name: str, request: Request, sent: Sent, delivery: Delivery) -> RequestRecord:
    answer = delivery.answer
    return RequestRecord(
        endpoint=name,
        method=request.method,
        path=request.url.path,
        query=dict(sent.query),
        body=sent.json,
        key_sent=bool(_key(request)),
        status=answer.status if answer else None,
        rows=answer.rows if answer else 0,
        bytes_sent=len(answer.body) if answer else 0,
    )
