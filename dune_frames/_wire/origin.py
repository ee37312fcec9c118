"""The origin of an address: scheme, host and port, as they are parsed and never as they begin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

from dune_frames.errors import UntrustedAddressError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_DEFAULT_PORTS = {"http": 80, "https": 443}
#: What parsers disagree about: where an address with these points depends on who reads it.
_AMBIGUOUS = re.compile(r"[\\\s\x00-\x1f\x7f]")


def own_address(base_url: str, told: object, *, seen_from: str | None = None) -> str:
    """Return an address that the server named, rebuilt upon the configured origin.

    Parameters
    ----------
    base_url : str
        The configured address, whose scheme, host and port are the only ones allowed.
    told : object
        What the server named: an address, or a reference relative to `seen_from`.
    seen_from : str, optional
        The address that was asked; the configured one when left out.

    Raises
    ------
    UntrustedAddressError
        It points elsewhere, or nobody can say where.
    """
    base, target = urlsplit(base_url), parsed(told, seen_from or base_url)
    if target is None or _origin(target) != _origin(base):
        shown = f"{target.scheme}://{target.netloc}" if target else "an unreadable one"
        raise UntrustedAddressError(
            f"the answer points to another address ({shown}) than {base_url}"
        )
    return urlunsplit((base.scheme, base.netloc, target.path, target.query, ""))


def parsed(address: object, seen_from: str = "") -> SplitResult | None:
    """Return the parts of an address; `None` where parsers could disagree about them.

    An address with credentials is none of ours either.
    """
    if not isinstance(address, str) or _AMBIGUOUS.search(address):
        return None
    try:
        parts = urlsplit(urljoin(seen_from, address))
        readable = parts.port is None or parts.port > 0
    except ValueError:
        return None
    return parts if readable and "@" not in parts.netloc else None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
