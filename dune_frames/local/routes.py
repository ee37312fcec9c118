"""Routes: HTTP around the API. Each request may meet a fault, needs a key, and is logged."""

from __future__ import annotations

import hmac
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from dune_frames.local.answers import Answer, RefusedError, error_answer
from dune_frames.local.call import Call
from dune_frames.local.delivery import Delivery, prepared
from dune_frames.local.requests_log import RequestRecord, RequestsLog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from dune_frames.local.api import Api
    from dune_frames.local.connections import Connections
    from dune_frames.local.faults import Faults

_LOGGER = logging.getLogger("dune_frames.local")
_PREFIX = "/api/v1"
#: Method and path of each endpoint. Its name is also that of the method of `Api`.
_PATHS = {
    "execute_sql": ("POST", "/sql/execute"),
    "execute_query": ("POST", "/query/{query_id}/execute"),
    "execute_pipeline": ("POST", "/query/{query_id}/pipeline/execute"),
    "execute_plan": ("POST", "/pipelines/execute"),
    "pipeline": ("GET", "/query/{query_id}/pipeline"),
    "pipeline_status": ("GET", "/pipelines/executions/{pipeline_execution_id}/status"),
    "status": ("GET", "/execution/{execution_id}/status"),
    "results": ("GET", "/execution/{execution_id}/results"),
    "results_csv": ("GET", "/execution/{execution_id}/results/csv"),
    "cancel": ("POST", "/execution/{execution_id}/cancel"),
    "latest": ("GET", "/query/{query_id}/results"),
    "latest_csv": ("GET", "/query/{query_id}/results/csv"),
    "query": ("GET", "/query/{query_id}"),
    "usage": ("POST", "/usage"),
}
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every endpoint shares."""

    api: Api
    faults: Faults
    log: RequestsLog
    connections: Connections


def application(surroundings: Surroundings) -> Starlette:
    """Return the ASGI application of all endpoints."""
    routes = [
        Route(
            _PREFIX + path,
            Endpoint(name, getattr(surroundings.api, name), surroundings),
            methods=[method],
        )
        for name, (method, path) in _PATHS.items()
    ]
    known = tuple(routes)
    redirect = Route("/{path:path}/", _without_slash, methods=["GET", "POST"])
    elsewhere = Route("/{path:path}", _Elsewhere(known, surroundings))
    application = Starlette(routes=[*routes, redirect, elsewhere])
    application.router.redirect_slashes = False
    return application


class Endpoint:
    """One endpoint as an ASGI application."""

    def __init__(
        self, name: str, handle: Callable[[Call], Answer], surroundings: Surroundings
    ) -> None:
        self._name = name
        self._handle = handle
        self._surroundings = surroundings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; it is in the log before its last byte is sent."""
        around = self._surroundings
        request = Request(scope, receive)
        body = await request.body()
        await around.connections.pause(around.api.settings.latency)

        async def act() -> Answer:
            return await run_in_threadpool(self._act, request, body)

        delivery = await prepared(around.faults.take(self._name), act, around.connections.pause)
        around.log.add(_record(self._name, request, body, delivery))
        await around.connections.deliver(delivery, scope, receive, send)

    def _act(self, request: Request, body: bytes) -> Answer:
        try:
            _check_key(_key(request), self._surroundings.api.settings.api_key)
            return self._handle(_call(request, body))
        except RefusedError as refusal:
            return error_answer(refusal.status, refusal.text)
        except Exception:
            _LOGGER.exception("the embedded Dune failed to answer %s", request.url.path)
            return error_answer(500, "An internal error occured")


class _Elsewhere(Endpoint):
    """Whatever is no endpoint: the wrong method for a path, or no path at all."""

    def __init__(self, known: tuple[Route, ...], surroundings: Surroundings) -> None:
        super().__init__(UNKNOWN, self._refuse, surroundings)
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_path = any(route.matches(scope)[0] is Match.PARTIAL for route in self._known)
        scope["path_params"] = {"status": "405" if is_path else "404"}
        await super().__call__(scope, receive, send)

    def _refuse(self, call: Call) -> Answer:
        if call.path["status"] == "405":
            raise RefusedError(405, "method not allowed")
        raise RefusedError(404, "not found: the embedded Dune has no such endpoint")


async def _without_slash(request: Request) -> Response:
    target = URL(scope=request.scope).replace(path=request.url.path.rstrip("/"), netloc="")
    location = str(target.replace(scheme=""))
    body = f'<a href="{location}">Moved Permanently</a>.\n\n'
    status = 301 if request.method == "GET" else 307
    return Response(body, status, {"Location": location}, "text/html; charset=utf-8")


def _key(request: Request) -> str:
    return request.headers.get("x-dune-api-key") or request.query_params.get("api_key", "")


def _check_key(key: str, wanted: str | None) -> None:
    known = bool(key) if wanted is None else hmac.compare_digest(key.encode(), wanted.encode())
    if not known:
        raise RefusedError(401, "invalid API Key")


def _call(request: Request, body: bytes) -> Call:
    return Call(
        base=f"{request.url.scheme}://{request.url.netloc}",
        path=request.path_params,
        query=_query(request),
        body=_read_body(body),
    )


def _query(request: Request) -> dict[str, str]:
    """Return the query parameters. A query's parameter of several values repeats its name."""
    query = dict(request.query_params)
    repeated = {name for name in query if name.startswith("params.")}
    return query | {name: ",".join(request.query_params.getlist(name)) for name in repeated}


def _read_body(body: bytes) -> Mapping[str, Any]:
    if not body:
        return {}
    read = _json(body)
    if not isinstance(read, dict):
        raise RefusedError(400, "invalid request body: expected a JSON object")
    return read


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _record(name: str, request: Request, body: bytes, delivery: Delivery) -> RequestRecord:
    answer = delivery.answer
    query = {key: value for key, value in request.query_params.items() if key != "api_key"}
    return RequestRecord(
        endpoint=name,
        method=request.method,
        path=request.url.path,
        query=query,
        body=_json(body),
        key_sent=bool(_key(request)),
        status=answer.status if answer else None,
        rows=answer.rows if answer else 0,
        bytes_sent=len(answer.body) if answer else 0,
    )
