"""Evidence: what the bytes of JSON rows say of themselves, counted without parsing them.

A parser that read all of it, and nothing else, must have come upon these very numbers.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dune_frames._wire.envelope import Rows

STRING, NUMBER, BOOLEAN, NULL, LIST, OBJECT = b'"', b"-0123456789", b"tf", b"n", b"[", b"{"
#: The kinds of JSON values, each told by the characters that one can begin with.
KINDS = (STRING, NUMBER, BOOLEAN, NULL, LIST, OBJECT)
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands in rows that are valid JSON.

    Attributes
    ----------
    rows : bytes or memoryview
        The rows without escaped quotes, so that a quote begins or ends a string.
    colon : bytes
        What stands between a key and its value.
    quotes : int
        How many there are: two for each key and each string.
    key_ends : numpy.ndarray
        Where the quotes stand that end keys, at any depth.
    starts : numpy.ndarray
        How many values of keys begin with each of the 256 characters.
    minus_zeros : int
        How many values of keys are ``-0``.
    """

    rows: Rows
    colon: bytes
    quotes: int
    key_ends: Any
    starts: Any
    minus_zeros: int

    @classmethod
    def of(cls, rows: Rows, first_key: bytes) -> Evidence:
        """Count, in rows in which nothing is escaped."""
        import numpy as np

        characters = np.frombuffer(rows, np.uint8)
        quotes, key_ends = _quotes_and_key_ends(characters)
        colon = first_key[first_key.rindex(b'"') + 1 :]
        values = key_ends + 1 + len(colon)
        firsts = characters[values]
        return cls(
            rows=rows,
            colon=colon,
            quotes=quotes,
            key_ends=key_ends,
            starts=np.bincount(firsts, minlength=256),
            minus_zeros=_count_minus_zeros(characters, values[firsts == ord("-")]),
        )

    def count(self, kind: bytes) -> int:
        """Count the values of keys that are of a kind."""
        return int(sum(self.starts[character] for character in kind))

    def has_keys(self, places: Mapping[str, Any]) -> bool:
        """Tell whether flat rows have certain keys.

        Parameters
        ----------
        places : mapping of str to numpy.ndarray
            All names that a row must have, and in which rows to look for the name's key. For all
            rows to be found, each must have as many keys, in the order of the first row.
        """
        if len(self.key_ends) % len(places):
            return False
        ends = self.key_ends.reshape(-1, len(places))
        first = bytes(self.rows[: ends[0][-1] + 1])
        keys = [first[first.rfind(b'"', 0, end) : end + 1] for end in ends[0]]
        order = [json.loads(key) for key in keys]
        if sorted(order) != sorted(places) or not self._all_have(ends[:, 0], b"{" + keys[0]):
            return False
        return all(
            self._all_have(ends[places[name], column], key)
            for column, (name, key) in enumerate(zip(order, keys, strict=True))
        )

    def _all_have(self, ends: Any, text: bytes) -> bool:
        """Tell whether the same text ends at all these places."""
        import numpy as np

        before = np.arange(1 - len(text), 1)
        found = np.frombuffer(self.rows, np.uint8)[ends[:, None] + before]
        return bool((found == np.frombuffer(text, np.uint8)).all())

    def may_have_floats(self, name: str) -> bool:
        """Tell whether a key may have a number with a fraction or an exponent."""
        key = json.dumps(name, ensure_ascii=False).encode() + self.colon
        found = re.search(re.escape(key), self.rows)
        return not found or bool(re.search(re.escape(key) + rb"-?\d+[.eE]", self.rows))


def first_key_of(rows: Rows) -> bytes | None:
    """Return how the first row begins: a brace, a key, a colon and perhaps a space behind it."""
    head = re.match(rb'\[(\{"[^"\\]*": ?)\S', rows)
    return head and head[1]


def pieces_of(rows: Rows, first_key: bytes) -> Iterator[bytes]:
    """Cut rows between two of them, where they begin alike, into arrays that fit into a cache.

    A cut at another place, within a text that looks so, leaves arrays that are no JSON.
    """
    between = b"}, " if first_key.endswith(b" ") else b"},"
    border, start = re.compile(re.escape(between + first_key)), 1
    while cut := border.search(rows, start + _PIECE_BYTES):
        yield b"".join([b"[", rows[start : cut.start() + 1], b"]"])
        start = cut.start() + len(between)
    yield b"".join([b"[", rows[start:]])


def without_escapes(rows: Rows) -> Rows | None:
    """Return rows of the same length in which nothing is escaped, so that every quote is one.

    `None` where half a character may be escaped, of which the other half may be missing.
    """
    import numpy as np

    characters = np.frombuffer(rows, np.uint8)
    if not any((each == ord("\\")).any() for _, each in _parts(characters)):
        return rows
    plain = bytes(rows)
    if rb"\ud" in plain or rb"\uD" in plain:
        return None
    return plain.replace(rb"\\", b"//").replace(rb"\"", b"//")


def _parts(characters: Any, overlap: int = 0) -> Iterator[tuple[int, Any]]:
    """Cut an array into parts that fit into a cache, each with its place."""
    for start in range(0, len(characters), _PIECE_BYTES):
        yield start, characters[start : start + _PIECE_BYTES + overlap]


def _quotes_and_key_ends(characters: Any) -> tuple[int, Any]:
    """Return how many quotes there are, and the places of those before a colon."""
    import numpy as np

    quotes, ends = 0, []
    for start, part in _parts(characters, overlap=1):
        is_quote = part == ord('"')
        quotes += int(np.count_nonzero(is_quote[:_PIECE_BYTES]))
        ends.append(start + np.flatnonzero(is_quote[:-1] & (part[1:] == ord(":"))))
    return quotes, np.concatenate(ends)


def _count_minus_zeros(characters: Any, minuses: Any) -> int:
    import numpy as np

    zero = characters[minuses + 1] == ord("0")
    ends = np.isin(characters[minuses + 2], np.frombuffer(b",} ", np.uint8))
    return int(np.count_nonzero(zero & ends))
