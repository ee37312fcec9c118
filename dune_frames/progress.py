"""What a call tells of its progress: small frozen values, which ``progress=callable`` receives.

A call tells its phases in this order, each as often as there is news: `Queued`, `Running`, and
then `Downloading`, or `FromCache` while all rows came from this machine. ``str(event)`` is the line
that is shown in a notebook and on a terminal.

>>> def show(event: Event) -> None:
...     print(type(event).__name__, event)
>>> from dune_frames.local import LocalDune
>>> with LocalDune() as local:
...     run = local.client().execute_sql("SELECT 1 AS one")
...     ended = run.wait()
...     frame = run.read(progress=show)  # doctest: +ELLIPSIS
Downloading downloading: 0 of 1 rows, 0.00 MB...
Downloading downloading: 1 of 1 rows, 0.00 MB...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

_MEGABYTE = 1_000_000
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Queued:
    """The run waits for its turn on Dune.

    Attributes
    ----------
    execution_id : str
        The run.
    position : int or None
        How many runs stand before it, where Dune tells.
    seconds : float
        How long this call has seen it wait.
    """

    execution_id: str
    position: int | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        place = "" if self.position is None else f" behind {self.position}"
        return f"queued{place}, {duration(self.seconds)}"

    @property
    def fraction(self) -> None:
        """Nobody knows how much of it is done."""


@dataclass(frozen=True, slots=True)
class Running:
    """The run executes on Dune.

    Attributes
    ----------
    execution_id : str
        The run.
    seconds : float
        How long this call has seen it execute.
    """

    execution_id: str
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"running, {duration(self.seconds)}"

    @property
    def fraction(self) -> None:
        """Nobody knows how much of it is done."""


@dataclass(frozen=True, slots=True)
class RunningPipeline:
    """A pipeline executes on Dune.

    Attributes
    ----------
    pipeline_execution_id : str
        The pipeline's execution.
    nodes_done, nodes : int
        How many of its nodes are over, and how many there are.
    seconds : float
        How long this call has seen it execute.
    """

    pipeline_execution_id: str
    nodes_done: int
    nodes: int
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"running: {self.nodes_done} of {self.nodes} nodes, {duration(self.seconds)}"

    @property
    def fraction(self) -> float | None:
        """The share of nodes that are over."""
        return self.nodes_done / self.nodes if self.nodes else None


@dataclass(frozen=True, slots=True)
class Downloading:
    """Rows come from Dune, some of them perhaps from this machine.

    Attributes
    ----------
    execution_id : str
        The run whose rows they are.
    rows : int
        How many are here, in order.
    total_rows : int or None
        How many there will be; `None` where a filter or a sample leaves that open.
    bytes : int
        Size of the answers that brought them.
    seconds : float
        Since this began.
    """

    execution_id: str
    rows: int
    total_rows: int | None
    bytes: int
    seconds: float = 0.0

    def __str__(self) -> str:
        text = f"downloading: {_of(self.rows, self.total_rows)}, {self.megabytes:,.2f} MB"
        speed = self.megabytes_per_second
        return text if speed is None else f"{text}, {speed:,.1f} MB/s"

    @property
    def megabytes(self) -> float:
        """The size in units of 10^6 bytes."""
        return self.bytes / _MEGABYTE

    @property
    def megabytes_per_second(self) -> float | None:
        """The mean speed so far; `None` at the very beginning."""
        return self.megabytes / self.seconds if self.bytes and self.seconds > 0 else None

    @property
    def fraction(self) -> float | None:
        """The share of rows that are here, where it is known."""
        return _fraction(self.rows, self.total_rows)


@dataclass(frozen=True, slots=True)
class FromCache:
    """Rows come from this machine alone, and cost nothing.

    Attributes
    ----------
    execution_id : str
        The run whose rows they are.
    rows : int
        How many are here.
    total_rows : int or None
        How many there will be, where that is known.
    seconds : float
        Since this began.
    """

    execution_id: str
    rows: int
    total_rows: int | None
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"from cache: {_of(self.rows, self.total_rows)}"

    @property
    def fraction(self) -> float | None:
        """The share of rows that are here, where it is known."""
        return _fraction(self.rows, self.total_rows)


@dataclass(frozen=True, slots=True)
class ReadingSets:
    """Many sets of parameters are read. The events of their runs come between, in any order.

    Attributes
    ----------
    done, total : int
        How many sets are over, and how many different ones there are.
    seconds : float
        Since this began.
    """

    done: int
    total: int
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"reading: {self.done} of {self.total} sets, {duration(self.seconds)}"

    @property
    def fraction(self) -> float | None:
        """The share of sets that are over."""
        return _fraction(self.done, self.total)


Event: TypeAlias = Queued | Running | RunningPipeline | Downloading | FromCache | ReadingSets

#: What ``progress=`` takes.
Progress: TypeAlias = bool | Callable[[Event], object] | None


def duration(seconds: float) -> str:
    """Return a duration as people say it.

    Examples
    --------
    >>> duration(7.4), duration(125), duration(7325)
    ('7 s', '2 min 05 s', '2 h 02 min')
    """
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def _of(rows: int, total: int | None) -> str:
    return f"{rows:,} rows" if total is None else f"{rows:,} of {total:,} rows"


def _fraction(done: int, total: int | None) -> float | None:
    if total is None:
        return None
    return min(done / total, 1.0) if total else 1.0
