"""The network: the only file that imports `requests`. A request in, a whole answer out."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from dune_frames import errors
from dune_frames._network.attempt import CONNECT_SECONDS, CURRENT, READ_SECONDS, Attempt
from dune_frames._network.exchange import LostError
from dune_frames._wire.endpoints import BASE_PATH, Answer, Request
from dune_frames._wire.origin import own_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from dune_frames._network.key import Key

logger = logging.getLogger("dune_frames")

#: Connections that are kept open, at most. More than any sensible number of calls side by side.
CONNECTIONS = 256
#: Bytes that are received at once where the size is not told, and at most.
_PIECE, _LARGEST_PIECE = 1 << 18, 1 << 26
_REDIRECTS = 3
_REDIRECT_CODES = (301, 302, 303, 307, 308)
_FIRST_NO_SUCCESS = 300


class Offline:
    """A transport that sends nothing."""

    def send(self, request: Request, attempt: Attempt) -> Answer:
        """Refuse, and say what would have been needed."""
        del attempt
        raise errors.OfflineError(
            f"offline=True, and the cache has no answer to {request.method} {request.path}",
            execution_id=request.execution_id,
            query_id=request.query_id,
        )


class Transport:
    """A pool of connections to one address, with the key in a header and nowhere else.

    Safe to use from several threads.
    """

    def __init__(self, base_url: str, key: Key) -> None:
        self.base_url = base_url
        self.account = key.account
        self._key = key
        self._kept: requests.Session | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Name the address, never the key."""
        return f"Transport({self.base_url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without the open connections."""
        return (Transport, (self.base_url, self._key))

    def send(self, request: Request, attempt: Attempt) -> Answer:
        """Send one request and read the answer to its end.

        Parameters
        ----------
        request : Request
            What to send. One that starts a run goes over a connection of its own, because on a kept
            one it could not be told whether a closed connection had taken it.
        attempt : Attempt
            How long all of it may take; takes note of how far it came.

        Raises
        ------
        LostError
            No whole answer came.
        UntrustedAddressError
            It was redirected to another address.
        """
        url = self.base_url + BASE_PATH + request.path
        answer = self._send_to(url, request, attempt)
        for _ in range(_REDIRECTS):
            target = answer.headers.get("location")
            if answer.status_code not in _REDIRECT_CODES or not target:
                break
            url = own_address(self.base_url, target, seen_from=url)
            if request.method != "GET":
                raise LostError("it was redirected, which only reads follow", sent=True)
            answer = self._send_to(url, request, attempt)
        return answer

    def _send_to(self, url: str, request: Request, attempt: Attempt) -> Answer:
        import http.client

        import requests
        import urllib3

        began = time.monotonic()
        try:
            answer = self._receive(url, request, attempt)
        except UnicodeEncodeError:
            raise _unwritable(request) from None
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
        ) as problem:
            lost = LostError(_reason(problem, attempt), sent=attempt.sent)
        else:
            logger.debug(
                "%s %s: %d, %d bytes, %.3f s", request.method, request.path,
                answer.status_code, len(answer.body), time.monotonic() - began,
            )  # fmt: skip
            return answer
        # Raised here, so that no exception of the network hangs on to it with all its variables.
        raise lost

    def _receive(self, url: str, request: Request, attempt: Attempt) -> Answer:
        token = CURRENT.set(attempt)
        try:
            with (
                self._session_for(request) as session,
                self._ask(session, url, request, attempt) as response,
            ):
                return self._read(response)
        finally:
            CURRENT.reset(token)

    def _ask(
        self, session: requests.Session, url: str, request: Request, attempt: Attempt
    ) -> requests.Response:
        """Send, past the session's own cookies and redirects."""
        import requests

        prepared = session.prepare_request(
            requests.Request(
                request.method,
                url,
                params=None if "?" in url else list(request.query),
                json=request.body,
                headers={"Connection": "close"} if request.starts_run else None,
                auth=self._sign,
            )
        )
        settings = session.merge_environment_settings(url, {}, True, None, None)
        return session.get_adapter(url).send(
            prepared,
            stream=True,
            timeout=(min(CONNECT_SECONDS, attempt.rest), min(READ_SECONDS, attempt.rest)),
            verify=settings["verify"] or True,
            cert=settings["cert"],
            proxies=settings["proxies"],
        )

    def _sign(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        self._key.put_into(prepared.headers)
        return prepared

    def _read(self, response: requests.Response) -> Answer:
        body = _body(response)
        headers = {name.lower(): value for name, value in response.headers.items()}
        told = headers.get("content-length", "")
        if told.isdigit() and response.raw.tell() < int(told):
            raise ConnectionError("the answer was cut short")
        if response.status_code >= _FIRST_NO_SUCCESS:
            body = self.blot(body)
            headers = {n: self.blot(v.encode()).decode() for n, v in headers.items()}
        return Answer(response.status_code, headers, body, self.base_url)

    def blot(self, said: bytes) -> bytes:
        """Return what was said, by a server or to it, without the key."""
        return self._key.blot(said)

    @contextmanager
    def _session_for(self, request: Request) -> Iterator[requests.Session]:
        if not request.starts_run:
            yield self._kept_session()
            return
        with _new_session(self.base_url, 1) as session:
            yield session

    def _kept_session(self) -> requests.Session:
        """Return the session of this process: a forked one must not share connections."""
        with self._lock:
            if self._kept is None or self._owner != os.getpid():
                self._kept, self._owner = _new_session(self.base_url, CONNECTIONS), os.getpid()
            return self._kept

    def close(self) -> None:
        """Close the kept connections. The transport opens new ones when it is used again."""
        with self._lock:
            session, self._kept = self._kept, None
        if session is not None:
            session.close()


def _body(response: requests.Response) -> bytes:
    """Read the body: in one piece where its size is told, which saves copying it together."""
    told = response.headers.get("content-length", "")
    size = min(int(told), _LARGEST_PIECE) if told.isdigit() else 0
    pieces = list(response.iter_content(size or _PIECE))
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _new_session(base_url: str, connections: int) -> requests.Session:
    import requests

    session = requests.Session()
    adapter = _adapter_class()(pool_connections=1, pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = "dune_frames"
    # Proxies are for the way to other machines: over plain http they would read the key.
    session.trust_env = base_url.startswith("https:")
    return session


@cache
def _adapter_class() -> type[requests.adapters.HTTPAdapter]:
    """Return adapters whose connections know their attempt, also behind a proxy."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    from dune_frames._network.connection import NotesSending

    class Plain(NotesSending, HTTPConnection): ...

    class Encrypted(NotesSending, HTTPSConnection): ...

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted

    pools = {"http": PlainPool, "https": EncryptedPool}

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
            manager = super().proxy_manager_for(*args, **kwargs)
            manager.pool_classes_by_scheme = pools
            return manager

    return Adapter


def _unwritable(request: Request) -> errors.InvalidRequestError:
    return errors.InvalidRequestError(
        f"{request.method} {request.path} holds text that is no Unicode",
        advice="look for lone surrogates in the parameters, filters and column names.",
    )


def _reason(problem: BaseException, attempt: Attempt) -> str:
    """Say what happened in words that hold no address and no header."""
    import requests

    links = list(_links(problem))
    late = any(isinstance(link, TimeoutError) for link in links)
    if not attempt.sent:
        told = [link.strerror for link in links if isinstance(link, OSError) and link.strerror]
        return "no connection" + (" in time" if late else f" ({told[-1]})" if told else "")
    if late:
        return "no answer in time"
    cut = requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError
    if isinstance(problem, cut):
        return "the answer was cut short"
    return f"the connection was lost ({type(links[-1]).__name__})"


def _links(problem: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what caused it, to the first cause."""
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__
