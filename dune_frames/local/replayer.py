"""The replayer: answers from a recording, without any Dune."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from dune_frames.local.addresses import moved
from dune_frames.local.answers import Answer, RefusedError
from dune_frames.local.gate import Gate, any_key
from dune_frames.local.recording import DUNE, Asked, Recording
from dune_frames.local.server import DuneServer, new_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from dune_frames.local.call import Call

_RATE_LIMITED, _SERVER_ERROR = 429, 500
_SHOWN = 3
_SHOWN_CHARACTERS = 300


class ReplayingDune(DuneServer):
    """A Dune that answers from a recording, and nothing else. It needs no network and no key.

    Made by `LocalDune.replay`.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._prepare(Replayer(Recording(folder)), Gate(any_key), new_key())


class Replayer:
    """Gives each request the answers that it got when it was recorded, the last one for ever."""

    def __init__(self, recording: Recording) -> None:
        self._folder = recording.folder
        self._lock = threading.Lock()
        self._answers: dict[Asked, list[Answer]] = {}
        for asked, answer in recording.exchanges():
            self._answers.setdefault(asked, []).append(answer)
        self._answers = {asked: _lasting(several) for asked, several in self._answers.items()}

    def answer(self, endpoint: str, call: Call) -> Answer:
        """Give the next answer to a request, or say that it was never recorded."""
        del endpoint
        asked = Asked.of(call.sent)
        with self._lock:
            answers = self._answers.get(asked)
            if answers is None:
                raise RefusedError(400, self._missing(asked))
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return moved(answer, DUNE, call.base)

    def close(self) -> None:
        """End nothing: a recording is read once."""

    def _missing(self, asked: Asked) -> str:
        like = [str(one) for one in self._answers if _place(one) == _place(asked)]
        has = " | ".join(_short(one) for one in like[:_SHOWN]) or "none of this endpoint"
        return (
            f"the recording in {self._folder} has no answer to {_short(str(asked))} "
            f"It has: {has}. Record the script again with LocalDune.record."
        )


def _lasting(answers: Sequence[Answer]) -> list[Answer]:
    """Leave out what a client was meant to overcome, where a later answer shows that it did."""
    kept = [answer for answer in answers if not _is_passing(answer)]
    return kept or list(answers[-1:])


def _is_passing(answer: Answer) -> bool:
    return answer.status == _RATE_LIMITED or answer.status >= _SERVER_ERROR


def _place(asked: Asked) -> tuple[str, str, str]:
    """Return what two requests to the same endpoint have in common."""
    parts = asked.path.strip("/").split("/")
    return asked.method, parts[0], parts[-1]


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
