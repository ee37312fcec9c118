"""A recording: requests and their answers, kept in a folder that can be committed.

The folder has one file for each answer, byte for byte as it came, and ``recording.jsonl``, which
tells line by line which request got it. No key is in any of them, and the address is always
``https://api.dune.com``, wherever the answers came from.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dune_frames.local.answers import Answer
from dune_frames.local.endpoints import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from dune_frames.local.call import Sent

#: Where the answers in a recording say that they come from.
DUNE = "https://api.dune.com"
_INDEX = "recording.jsonl"
#: Keeps git from changing the line ends of answers.
_ATTRIBUTES = (".gitattributes", "* -text\n")
_ENDINGS = {"application/json": "json", "text/plain": "csv", "text/csv": "csv"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request by what it asks for; two that ask for the same are equal.

    Attributes
    ----------
    method : str
        The HTTP method.
    path : str
        What follows ``/api/v1``.
    query : tuple of (str, str)
        The query parameters, sorted by name.
    body : str
        The JSON body in one form; empty where there is none, or nothing in it.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: str

    @classmethod
    def of(cls, sent: Sent) -> Asked:
        """Return what a request asks for."""
        query = tuple(sorted(sent.query, key=lambda pair: pair[0]))
        return cls(sent.method, sent.path, query, _one_form(sent.json))

    def __str__(self) -> str:
        query = f"?{urlencode(self.query)}" if self.query else ""
        body = f" {self.body}" if self.body else ""
        return f"{self.method} {PREFIX}{self.path}{query}{body}"


def _one_form(body: Any) -> str:
    return json.dumps(body, sort_keys=True, ensure_ascii=False) if body else ""


class Recording:
    """The folder of a recording.

    Parameters
    ----------
    folder : str or path
        The folder.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = Path(folder)
        self._index = self.folder / _INDEX
        self._lock = threading.Lock()
        self._count = 0
        self._last: dict[Asked, bytes] = {}

    def begin(self) -> None:
        """Make the folder, and remove what an earlier recording left in it.

        Raises
        ------
        OSError
            The folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for line in self._lines() if self._index.exists() else ():
            (self.folder / line["answer"]).unlink(missing_ok=True)
        self._index.write_text("", encoding="utf-8")
        name, text = _ATTRIBUTES
        (self.folder / name).write_text(text, encoding="utf-8")

    def add(self, endpoint: str, asked: Asked, answer: Answer) -> None:
        """Keep an answer, unless the same request got the same one the last time."""
        with self._lock:
            digest = _digest(answer)
            if self._last.get(asked) == digest:
                return
            self._last[asked] = digest
            self._count += 1
            ending = _ENDINGS.get(answer.content_type.partition(";")[0], "txt")
            name = f"{self._count:04d}-{endpoint}.{ending}"
            (self.folder / name).write_bytes(answer.body)
            with self._index.open("a", encoding="utf-8") as index:
                index.write(json.dumps(_line(asked, answer, name), ensure_ascii=False) + "\n")

    def exchanges(self) -> Iterator[tuple[Asked, Answer]]:
        """Yield what was asked and answered, in its order.

        Raises
        ------
        FileNotFoundError
            There is no recording in the folder, or one of its files is missing.
        """
        for line in self._lines():
            query = tuple((name, value) for name, value in line["query"])
            asked = Asked(line["method"], line["path"], query, _one_form(line.get("body")))
            told = line["headers"]
            headers = {name: told[name] for name in told if name != "content-type"}
            content = (self.folder / line["answer"]).read_bytes()
            yield (
                asked,
                Answer(content, line["status"], told["content-type"], headers, line["rows"]),
            )

    def _lines(self) -> list[dict[str, Any]]:
        text = self._index.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n") if line]


def _digest(answer: Answer) -> bytes:
    """Return what stands for an answer, so that a long recording is not kept in memory."""
    head = repr((answer.status, answer.content_type, sorted(answer.headers.items())))
    return hashlib.sha256(head.encode() + answer.body).digest()


def _line(asked: Asked, answer: Answer, name: str) -> dict[str, Any]:
    body = {"body": json.loads(asked.body)} if asked.body else {}
    return {
        "method": asked.method,
        "path": asked.path,
        "query": asked.query,
        **body,
        "status": answer.status,
        "headers": {"content-type": answer.content_type, **answer.headers},
        "rows": answer.rows,
        "answer": name,
    }
