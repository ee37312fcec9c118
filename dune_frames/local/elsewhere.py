"""Elsewhere: what is asked of the embedded Dune that it does not answer, and how it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import compile_path

from dune_frames.local.answers import RefusedError
from dune_frames.local.endpoints import NOT_SERVED, PATHS

if TYPE_CHECKING:
    from dune_frames.local.call import Sent

_DOES = "it runs queries, reads results and pipelines, shows saved queries and usage"


def refusal(sent: Sent) -> RefusedError:
    """Return the refusal of a request that no endpoint took."""
    asked = f"{sent.method} {sent.path}"
    for (method, path), status in NOT_SERVED.items():
        if method == sent.method and _fits(path, sent):
            return RefusedError(status, f"not allowed: the embedded Dune has no {asked}: {_DOES}")
    if any(_fits(path, sent) for _, path in (*PATHS.values(), *NOT_SERVED)):
        return RefusedError(405, "method not allowed")
    return RefusedError(404, "not found: the embedded Dune has no such endpoint")


def _fits(path: str, sent: Sent) -> bool:
    return compile_path(path)[0].fullmatch(sent.path) is not None
