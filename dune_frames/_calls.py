"""Calls: what makes a driver for each call of one client, so that all share its connections."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from dune_frames._cache import Cache
from dune_frames._drive import Deadline, Driver, Pace
from dune_frames._read import Read
from dune_frames._scan import scan
from dune_frames._transport import Offline, Transport

if TYPE_CHECKING:
    import polars as pl

    from dune_frames._exchange import Flow
    from dune_frames._frames import FrameName
    from dune_frames._options import Reading
    from dune_frames._source import Source

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

    def driver(self, timeout: float | None = None, *, offline: bool = False) -> Driver:
        """Return the driver of one call, whose deadline starts now."""
        transport = Offline() if offline else self.transport
        return Driver(transport, self.pace, Deadline(timeout))

    def run(self, flow: Flow[T], timeout: float | None = None) -> T:
        """Run a flow as a call of its own."""
        return self.driver(timeout).run(flow)

    def read(self, frame: FrameName, reading: Reading) -> Read:
        """Return the call that ends in a frame."""
        driver = self.driver(reading.timeout, offline=reading.offline)
        cache = Cache.of(self.transport.base_url, self.transport.account)
        used = cache if reading.cache or reading.offline else None
        return Read(driver, reading, reading.frame_options(frame), used)

    def scan(self, source: Source, reading: Reading) -> pl.LazyFrame:
        """Pin one execution of a source, and return the frame that reads it."""
        return scan(partial(self.read, "polars"), reading, source)
