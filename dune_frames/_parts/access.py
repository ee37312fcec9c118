"""Access: where a worker asks, and where it finds the key, which never travels with a plan."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dune_frames._network.key import Key
from dune_frames._network.settings import KEY_VARIABLE, key_of, url_of
from dune_frames._network.transport import Transport
from dune_frames._read.calls import Calls
from dune_frames.errors import ConfigurationError

if TYPE_CHECKING:
    import os

#: The connections of this process, which all its parts share: so they also wait together when the
#: server asks for less.
_OF_PROCESS: dict[Access, Calls] = {}
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Access:
    """The way to Dune from any process that has a key of its own.

    Attributes
    ----------
    base_url : str
        The address.
    account : str
        A digest that tells the account apart and does not lead back to its key.
    key_file : str or None
        The file that holds the key wherever the plan is carried out. `None` takes ``DUNE_API_KEY``.
    """

    base_url: str
    account: str
    key_file: str | None = None

    @classmethod
    def of(cls, calls: Calls, key_file: str | os.PathLike[str] | None = None) -> Access:
        """Return the access of a client; in this process it means that very client."""
        transport = calls.transport
        access = cls(
            transport.base_url, transport.account, None if key_file is None else str(key_file)
        )
        with _LOCK:
            _OF_PROCESS[access] = calls
        return access

    def calls(self) -> Calls:
        """Return the connections of this process, made with its own key where there are none.

        Raises
        ------
        ConfigurationError
            This process has no key.
        """
        with _LOCK:
            if self not in _OF_PROCESS:
                _OF_PROCESS[self] = Calls(Transport(url_of(self.base_url), self._own_key()))
            return _OF_PROCESS[self]

    def _own_key(self) -> Key:
        try:
            return key_of(None if self.key_file is None else Key(key_in(self.key_file)))
        except ConfigurationError as problem:
            problem.message += " in the process that reads a part"
            problem.advice = (
                f"a plan never holds the key: set {KEY_VARIABLE} where the workers start, or name "
                "a file that holds it there with api_key_file=."
            )
            raise


def key_in(file: str | os.PathLike[str]) -> str:
    """Return the key that a file holds.

    Raises
    ------
    ConfigurationError
        The file cannot be read.
    """
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationError(
            f"there is no key to be read in {str(file)!r} ({type(problem).__name__})",
            advice="api_key_file= names a text file with nothing but the key.",
        ) from None
