"""The clock: moments as Dune writes them, and the identifiers that carry one."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime

DAY = 86_400 * 10**9
#: Crockford's base 32, see https://github.com/ulid/spec
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ULID = re.compile(f"[0-7][{_ALPHABET}]{{25}}")


def now() -> int:
    """Return the moment in nanoseconds since 1970 UTC."""
    return time.time_ns()


def rfc3339(moment: int) -> str:
    """Write a moment as Go does: RFC 3339 in UTC, the fraction's trailing zeros trimmed."""
    seconds, nanoseconds = divmod(moment, 10**9)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def new_ulid() -> str:
    """Return a new ULID: 48 bits of milliseconds and 80 random bits in 26 characters."""
    number = (now() // 10**6) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def is_ulid(text: str) -> bool:
    """Tell whether a text has the shape of a ULID."""
    return _ULID.fullmatch(text) is not None
