"""Calls: what makes a driver for each call of one client, so that all share its connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from dune_frames._drive import Deadline, Driver, Pace
from dune_frames._read import Read

if TYPE_CHECKING:
    from dune_frames._exchange import Flow
    from dune_frames._frames import FrameName
    from dune_frames._options import Reading
    from dune_frames._transport import Transport

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one client.

    Attributes
    ----------
    transport : Transport
        Address, key and connections.
    pace : Pace
        What all requests wait for when the server asks for less.
    """

    transport: Transport
    pace: Pace = field(default_factory=Pace)

    def driver(self, timeout: float | None = None) -> Driver:
        """Return the driver of one call, whose deadline starts now."""
        return Driver(self.transport, self.pace, Deadline(timeout))

    def run(self, flow: Flow[T], timeout: float | None = None) -> T:
        """Run a flow as a call of its own."""
        return self.driver(timeout).run(flow)

    def read(self, frame: FrameName, reading: Reading) -> Read:
        """Return the call that ends in a frame."""
        return Read(self.driver(reading.timeout), reading, reading.frame_options(frame))
