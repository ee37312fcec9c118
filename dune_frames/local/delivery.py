"""Delivery: an answer on its way to the client, whole or with a fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus

from dune_frames.local.answers import Answer, error_answer
from dune_frames.local.faults import (
    Alter,
    Drip,
    Fault,
    Garbage,
    Hang,
    Reset,
    Status,
    Truncate,
)

#: Does what the request asks for.
Act = Callable[[], Awaitable[Answer]]
#: Waits so many seconds, or until the server closes.
Pause = Callable[[float], Awaitable[None]]

_NOTHING = Answer(b"")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What goes over the wire.

    Attributes
    ----------
    answer : Answer or None
        The answer, its body as it is sent; None for a reset connection.
    declared_length : int
        What Content-Length says. Where the body is shorter, the connection closes after it.
    pause : float
        Seconds before each piece of the body.
    pieces : int
        In how many pieces it goes.
    """

    answer: Answer | None
    declared_length: int = 0
    pause: float = 0.0
    pieces: int = 1


async def prepared(fault: Fault | None, act: Act, pause: Pause) -> Delivery:
    """Do what is asked, as far as the fault lets, and return what to send."""
    if isinstance(fault, Hang) and fault.before:
        await pause(fault.seconds)
    answer = await act() if _lets_act(fault) else _NOTHING
    if isinstance(fault, Hang) and not fault.before:
        await pause(fault.seconds)
    return _delivery(fault, answer)


def _lets_act(fault: Fault | None) -> bool:
    if isinstance(fault, Reset):
        return not fault.before
    return fault.acted if isinstance(fault, Status | Garbage) else True


def _delivery(fault: Fault | None, answer: Answer) -> Delivery:
    match fault:
        case Reset():
            return Delivery(None)
        case Status() | Garbage():
            return _whole(_replaced(fault))
        case Truncate():
            return _truncated(fault, answer)
        case Drip():
            return replace(_whole(answer), pause=fault.seconds, pieces=fault.pieces)
        case Alter():
            return _whole(_altered(fault, answer))
    return _whole(answer)


def _whole(answer: Answer) -> Delivery:
    return Delivery(answer, declared_length=len(answer.body))


def _replaced(fault: Status | Garbage) -> Answer:
    if isinstance(fault, Garbage):
        return Answer(fault.body.encode(), content_type=fault.content_type)
    if fault.body is not None:
        return Answer(fault.body.encode(), fault.code, headers=fault.headers)
    return replace(error_answer(fault.code, HTTPStatus(fault.code).phrase), headers=fault.headers)


def _truncated(fault: Truncate, answer: Answer) -> Delivery:
    whole = len(answer.body)
    kept = int(fault.keep * whole) if isinstance(fault.keep, float) else fault.keep
    cut = replace(answer, body=answer.body[:kept])
    return Delivery(cut, declared_length=len(cut.body) if fault.lie else whole)


def _altered(fault: Alter, answer: Answer) -> Answer:
    merged: Mapping[str, str | None] = {**answer.headers, **fault.headers}
    headers = {name: value for name, value in merged.items() if value is not None}
    body = fault.body(answer.body) if fault.body else answer.body
    return replace(answer, body=body, headers=headers)
