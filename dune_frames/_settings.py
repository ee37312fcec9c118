"""Where requests go and with which key: from the arguments, else from the environment."""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit

from dune_frames._transport import Key
from dune_frames.errors import ConfigurationError

KEY_VARIABLE = "DUNE_API_KEY"
URL_VARIABLE = "DUNE_API_BASE_URL"
DEFAULT_URL = "https://api.dune.com"

_KEY_ADVICE = (
    f"set {KEY_VARIABLE} to a key from https://dune.com/settings/api, or pass api_key=. "
    "Without an account: dune_frames.local.LocalDune."
)


def key_of(api_key: str | None) -> Key:
    """Return the API key to use.

    Raises
    ------
    ConfigurationError
        There is none, or it is a placeholder that nobody filled in. The message never shows it.
    """
    key = (os.environ.get(KEY_VARIABLE, "") if api_key is None else api_key).strip()
    if not key:
        raise ConfigurationError("there is no Dune API key", advice=_KEY_ADVICE)
    if key[0] in "$<{" or key in ("YOUR_API_KEY", KEY_VARIABLE):
        raise ConfigurationError("the Dune API key is a placeholder", advice=_KEY_ADVICE)
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ConfigurationError(
            "the Dune API key has spaces or characters that no key has", advice=_KEY_ADVICE
        )
    return Key(key)


def url_of(base_url: str | None) -> str:
    """Return the address of the API, without its version path.

    Raises
    ------
    ConfigurationError
        It is no http(s) address, holds credentials, or is plain http to another machine.
    """
    url = (base_url or os.environ.get(URL_VARIABLE) or DEFAULT_URL).strip().rstrip("/")
    url = url.removesuffix("/api/v1").removesuffix("/api")
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.username or parts.query or parts.fragment:
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
