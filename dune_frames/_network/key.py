"""The API key: it goes into one header, and shows itself nowhere."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from dune_frames._wire.endpoints import KEY_HEADER

if TYPE_CHECKING:
    from collections.abc import MutableMapping

#: A shorter key could be a word of a sentence.
_SHORTEST_SECRET = 12


class _Secret(str):
    """A text that a debugger, a log or a traceback with variables does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'...'"


class Key:
    """An API key that shows itself nowhere."""

    def __init__(self, text: str) -> None:
        self._text = _Secret(text.strip())

    def __repr__(self) -> str:
        """Keep the secret."""
        return "Key(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    @property
    def flaw(self) -> str | None:
        """What makes it no key at all, in words that do not show it."""
        if not self._text:
            return "there is no Dune API key"
        if self._text[0] in "$<{" or self._text in ("YOUR_API_KEY", "DUNE_API_KEY"):
            return "the Dune API key is a placeholder"
        if not re.fullmatch(r"[\x21-\x7e]+", self._text):
            return "the Dune API key has spaces or characters that no key has"
        return None

    @property
    def account(self) -> str:
        """A digest that tells accounts apart and does not lead back to the key."""
        return hashlib.blake2b(
            self._text.encode(), digest_size=8, person=b"dune_frames"
        ).hexdigest()

    def put_into(self, headers: MutableMapping[str, str]) -> None:
        """Put the key into the headers of a request that is about to leave."""
        headers[KEY_HEADER] = self._text

    def blot(self, body: bytes) -> bytes:
        """Return what a server said, without the key: some repeat what they were asked."""
        if len(self._text) < _SHORTEST_SECRET:
            return body
        for written in (self._text, quote(self._text, safe=""), json.dumps(self._text)[1:-1]):
            body = body.replace(written.encode(), b"...")
        return body
