"""The network: the only file that imports `requests`. A request in, a whole answer out."""

from __future__ import annotations

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from dune_frames import errors
from dune_frames._exchange import LostError
from dune_frames._wire import BASE_PATH, KEY_HEADER, NEXT_URI_HEADER, Answer, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

logger = logging.getLogger("dune_frames")

CONNECT_SECONDS = 10.0
#: The longest silence while an answer is awaited or read.
READ_SECONDS = 120.0
CONNECTIONS = 16
_CHUNK = 1 << 20
_REDIRECTS = 3
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Key:
    """An API key that shows itself nowhere. `requests` calls it to put it into the header."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        """Keep the secret."""
        return "Key(...)"

    @property
    def account(self) -> str:
        """A digest that tells accounts apart and does not lead back to the key."""
        return hashlib.blake2b(
            self._text.encode(), digest_size=8, person=b"dune_frames"
        ).hexdigest()

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the key into the header of a request that is about to leave."""
        prepared.headers[KEY_HEADER] = self._text
        return prepared


class Offline:
    """A transport that sends nothing."""

    def send(self, request: Request, seconds: float) -> Answer:
        """Refuse, and say what would have been needed."""
        del seconds
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
        self._session: requests.Session | None = None

    def __repr__(self) -> str:
        """Name the address, never the key."""
        return f"Transport({self.base_url!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Travel without the open connections."""
        return self.__dict__ | {"_session": None}

    def send(self, request: Request, seconds: float) -> Answer:
        """Send one request and read the answer to its end.

        Parameters
        ----------
        request : Request
            What to send. One that starts a run goes over a connection of its own, because on a kept
            one it could not be told whether a closed connection had taken it.
        seconds : float
            The longest that all of it may take.

        Raises
        ------
        LostError
            No whole answer came.
        UntrustedAddressError
            The answer points to another address.
        """
        until = time.monotonic() + seconds
        url = self.base_url + BASE_PATH + request.path
        answer = self._send_to(url, request, until)
        for _ in range(_REDIRECTS):
            if not 300 <= answer.status_code < 400:  # noqa: PLR2004 - HTTP's own numbers
                break
            url = self._redirected(url, answer, request)
            answer = self._send_to(url, request, until)
        self.refuse_foreign(answer.headers.get(NEXT_URI_HEADER), request)
        return answer

    def refuse_foreign(self, url: object, request: Request) -> None:
        """Raise unless a URL that the server named has our scheme, host and port, or is none."""
        if url and (
            not isinstance(url, str)
            or _origin(urljoin(self.base_url, url)) != _origin(self.base_url)
        ):
            raise errors.UntrustedAddressError(
                f"the answer to {request.method} {request.path} points to another address "
                f"({_shown(url)}) than {self.base_url}",
                execution_id=request.execution_id,
                query_id=request.query_id,
            )

    def _redirected(self, url: str, answer: Answer, request: Request) -> str:
        target = urljoin(url, answer.headers.get("location", ""))
        self.refuse_foreign(target, request)
        if request.method != "GET":
            raise errors.UntrustedAddressError(
                f"{request.method} {request.path} was redirected to {_shown(target)}; "
                "only reads follow a redirect",
                query_id=request.query_id,
                execution_id=request.execution_id,
            )
        return target

    def _send_to(self, url: str, request: Request, until: float) -> Answer:
        import requests

        rest = max(until - time.monotonic(), 0.001)
        try:
            with self._ask(url, request, rest) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, headers, b"".join(_chunks(response, until)))
        except (requests.RequestException, OSError, ValueError) as problem:
            raise LostError(_reason(problem), sent=_was_sent(problem)) from None

    def _ask(self, url: str, request: Request, rest: float) -> requests.Response:
        session = self._open(alone=request.starts_run)
        return session.request(
            request.method,
            url,
            params=None if "?" in url else list(request.query),
            json=request.body,
            headers={"Connection": "close"} if request.starts_run else None,
            auth=self._key,
            timeout=(min(CONNECT_SECONDS, rest), min(READ_SECONDS, rest)),
            allow_redirects=False,
            stream=True,
        )

    def _open(self, *, alone: bool) -> requests.Session:
        if alone:
            return _new_session(1)
        if self._session is None:
            self._session = _new_session(CONNECTIONS)
        return self._session

    def close(self) -> None:
        """Close the kept connections. The transport opens new ones when it is used again."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _new_session(connections: int) -> requests.Session:
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = "dune_frames"
    session.cookies.set_policy(_no_cookies())
    return session


def _no_cookies() -> Any:
    from http.cookiejar import DefaultCookiePolicy

    return DefaultCookiePolicy(allowed_domains=[])


def _chunks(response: requests.Response, until: float) -> Iterator[bytes]:
    """Read the body in large pieces, and no longer than allowed, however slowly it drips."""
    for chunk in response.iter_content(_CHUNK):
        yield chunk
        if time.monotonic() > until:
            raise TimeoutError("the answer took too long to arrive")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _shown(url: object) -> str:
    """Show where a URL points without its query and credentials."""
    parts = urlsplit(str(url))
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"


def _was_sent(problem: BaseException) -> bool:
    """Tell whether the request may have left. Only a connection never made proves it did not."""
    from requests.exceptions import ConnectTimeout, ProxyError, SSLError
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    cause = problem.args[0] if problem.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    never = (ConnectTimeout, ProxyError, SSLError)
    return not isinstance(problem, never) and not isinstance(cause, NewConnectionError)


def _reason(problem: BaseException) -> str:
    """Say what happened in words that hold no address and no header."""
    import requests

    if isinstance(problem, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(problem, requests.Timeout | TimeoutError):
        return "no answer in time"
    if not _was_sent(problem):
        return "no connection"
    if isinstance(
        problem, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError
    ):
        return "the answer was cut short"
    return f"the connection was lost ({type(problem).__name__})"
