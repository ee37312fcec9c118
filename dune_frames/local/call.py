"""A call: a request that was let in, as the endpoints see it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dune_frames.local.answers import RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it was sent, without its headers and its key.

    Attributes
    ----------
    method : str
        The HTTP method.
    path : str
        What follows ``/api/v1``, percent-encoded as it was sent.
    query : tuple of (str, str)
        The query parameters in their order, decoded, without ``api_key``.
    body : bytes
        The body.
    """

    method: str = "GET"
    path: str = ""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def json(self) -> Any:
        """Return the body as JSON; None where there is none."""
        return _json_or_none(self.body)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in.

    Attributes
    ----------
    base : str
        Scheme, host and port that the client used.
    path : mapping of str to str
        What stands in the path's places.
    query : mapping of str to str
        The query parameters.
    body : mapping of str to object
        The JSON body, empty where there is none.
    sent : Sent
        All of it as it was sent.
    """

    base: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    sent: Sent = field(default_factory=Sent)

    def matched_parameters(self) -> dict[str, str]:
        """Return the values of ``params.<name>``, by which a stored result is found."""
        prefix = "params."
        return {
            name.removeprefix(prefix): value
            for name, value in self.query.items()
            if name.startswith(prefix)
        }

    def given_parameters(self) -> Mapping[str, Any]:
        """Return the parameters to run with, of the body or of the documented query string.

        Raises
        ------
        RefusedError
            They are no JSON object.
        """
        given = self.body.get("query_parameters")
        if given is None and "query_parameters" in self.query:
            given = _json_or_none(self.query["query_parameters"]) or ()
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise RefusedError(400, "query_parameters is no JSON object")
        return given


def _json_or_none(text: str | bytes) -> Any:
    """Read JSON; halves of a surrogate pair are replaced, as Go does it: no text can hold them."""
    try:
        read = json.loads(text)
        return _without_halves(read) if _may_have_halves(text) else read
    except (ValueError, RecursionError):
        return None


def _may_have_halves(text: str | bytes) -> bool:
    written = text if isinstance(text, str) else text.decode("latin-1")
    return "\\ud" in written.lower()


def _without_halves(value: Any) -> Any:
    written = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return json.loads(written.decode("utf-16", "replace"))
