"""Takes the steps of a flow from a list: no network, no clock, no waiting."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dune_frames._network.exchange import CleanUp, Send, Sleep, Step, Tell
from dune_frames._wire.endpoints import Answer

if TYPE_CHECKING:
    from dune_frames.progress import Event

BASE_URL = "https://api.dune.com"


def answer(status: int = 200, said: Any = None, **headers: str) -> Answer:
    """Return an answer whose body is the JSON of `said`; bytes are taken as they are."""
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, body, BASE_URL)


@dataclass
class Replay:
    """Answers a flow's requests in turn with what it was given: an `Answer`, or an exception.

    Attributes
    ----------
    outcomes : list
        One for each request.
    interrupts : dict of int to BaseException
        What is thrown instead of taking the step with that number, counted from 0.
    steps : list of Step
        What the flow wanted, without what it told.
    told : list of Event
        What it told of its progress.
    refuse_to_listen : BaseException or None
        What is thrown instead of listening.
    """

    outcomes: list[Answer | BaseException]
    interrupts: dict[int, BaseException] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    told: list[Event] = field(default_factory=list)
    refuse_to_listen: BaseException | None = None

    def run(self, flow: Any) -> Any:
        """Take every step; return what the flow returns, or raise what it raises."""
        outcome: Any = None
        while True:
            try:
                failed = isinstance(outcome, BaseException)
                step = flow.throw(outcome) if failed else flow.send(outcome)
            except StopIteration as done:
                return done.value
            outcome = self._outcome(step)

    def _outcome(self, step: Step) -> Any:
        if isinstance(step, Tell):
            self.told.append(step.event)
            return self.refuse_to_listen
        self.steps.append(step)
        interrupt = self.interrupts.get(len(self.steps) - 1)
        if interrupt is not None:
            return interrupt
        return self.outcomes.pop(0) if isinstance(step, Send) else None

    @property
    def sent(self) -> list[str]:
        """The requests, as method and path."""
        return [f"{s.request.method} {s.request.path}" for s in self.steps if isinstance(s, Send)]

    @property
    def sleeps(self) -> list[Sleep]:
        """The pauses."""
        return [step for step in self.steps if isinstance(step, Sleep)]

    @property
    def clean_ups(self) -> list[CleanUp]:
        """The times that the flow asked to go on after the end of the call."""
        return [step for step in self.steps if isinstance(step, CleanUp)]
