"""Where requests go and with which key: from the arguments, else from the environment."""

from __future__ import annotations

import ipaddress
import os

from dune_frames._network.key import Key
from dune_frames._wire.origin import parsed
from dune_frames.errors import ConfigurationError

KEY_VARIABLE = "DUNE_API_KEY"
URL_VARIABLE = "DUNE_API_BASE_URL"
DEFAULT_URL = "https://api.dune.com"

_KEY_ADVICE = (
    f"set {KEY_VARIABLE} to a key from https://dune.com/settings/api, or pass api_key=. "
    "Without an account: dune_frames.local.LocalDune."
)


def key_of(given: Key | None) -> Key:
    """Return the API key to use: the given one, or that of the environment.

    Raises
    ------
    ConfigurationError
        There is none, or it is a placeholder that nobody filled in. The message never shows it.
    """
    key = Key(os.environ.get(KEY_VARIABLE, "")) if given is None else given
    if key.flaw:
        raise ConfigurationError(key.flaw, advice=_KEY_ADVICE)
    return key


def url_of(base_url: str | None) -> str:
    """Return the address of the API, without its version path.

    Raises
    ------
    ConfigurationError
        It is no http(s) address, holds credentials, or is plain http to another machine.
    """
    url = (base_url or os.environ.get(URL_VARIABLE) or DEFAULT_URL).strip().rstrip("/")
    url = url.removesuffix("/api/v1").removesuffix("/api")
    parts = parsed(url)
    plain = parts and parts.scheme in ("http", "https") and parts.hostname
    if not parts or not plain or parts.query or parts.fragment:
        raise ConfigurationError(
            "the base URL is no plain http(s) address",
            advice=f"leave {URL_VARIABLE} and base_url= out for {DEFAULT_URL}.",
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"{url} would send the API key unencrypted",
            advice="use https; plain http is for addresses of this machine only.",
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
