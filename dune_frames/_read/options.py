"""The options that every read takes: one list of names, defaults and texts, as one frozen value."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from math import nan
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from dune_frames._ask.query import Window, age_of, is_amount
from dune_frames._frame.frames import FrameOptions, refuse_other
from dune_frames._progress.watch import refuse_other_progress
from dune_frames._run.pin import Ask
from dune_frames._types.schema import Typing
from dune_frames._types.table import TypeOptions, Uint256, Varbinary
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames._ask.query import MaxAge
    from dune_frames._download.plan import Format
    from dune_frames._frame.pandas_frame import DtypeBackend
    from dune_frames.progress import Progress

_Function = TypeVar("_Function", bound=Callable[..., Any])


class ScanOptions(TypedDict, total=False):
    """The keyword options of every scan and read; `OPTIONS_TEXT` tells what they mean."""

    columns: Iterable[str] | None
    filters: str | None
    sort_by: str | None
    limit: int | None
    offset: int | None
    sample_count: int | None
    schema_overrides: Mapping[str, pa.DataType] | None
    uint256: Uint256
    varbinary: Varbinary
    format: Format
    timeout: float | None
    allow_partial: bool
    cache: bool
    offline: bool
    max_export_mb: float | None
    progress: Progress


class ReadOptions(ScanOptions, total=False):
    """The keyword options of every read."""

    dtype_backend: DtypeBackend


class _Run(TypedDict, total=False):
    max_age: MaxAge
    performance: str | None


class RunOptions(ReadOptions, _Run, total=False):
    """The keyword options of a read that may have to run something first."""


class ScanRunOptions(ScanOptions, _Run, total=False):
    """The keyword options of a scan that may have to run something first."""


RUN_OPTIONS_TEXT = """\
max_age : float, timedelta or str, optional
    The greatest age of an earlier result that is taken, by the end of its run: seconds, a
    timedelta, or ``"1h"``. 0 always executes. `None` takes a saved query's result of any age, and
    always executes SQL.
performance : str, optional
    Dune's tier for a run. Sent only when named: plans refuse tiers that they do not have."""

OPTIONS_TEXT = """\
columns : iterable of str, optional
    Names of the columns to export, in the order wanted. Fewer columns cost less.
filters : str, optional
    Rows to export, in Dune's own filter language: ``"block_number > 100 AND symbol = 'WETH'"``.
sort_by : str, optional
    Order, in Dune's own sort language: ``"amount_usd desc"``.
limit, offset : int, optional
    Rows to export at most, and rows of the result to skip first.
sample_count : int, optional
    About how many rows to draw at random; not together with `limit`, `offset` or `filters`.
schema_overrides : mapping of str to pyarrow.DataType, optional
    The type to give a column instead of the one that follows from Dune's.
uint256 : {"exact", "string", "float64", "decimal"}
    What uint256 and int256 become. ``"exact"``: Python integers in pandas, text in polars and
    pyarrow. ``"decimal"``: decimal128(38, 0); a longer value is an error.
varbinary : {"hex", "bytes"}
    Text ``0x…`` or bytes.
dtype_backend : {None, "numpy_nullable", "pyarrow"}
    As in pandas; for pandas frames only.
format : {"auto", "json", "csv"}
    What travels. ``"auto"`` is exact and takes CSV only where that is proved to be.
timeout : float, optional
    Seconds that the whole call may take: submit, wait and download together.
allow_partial : bool
    Take what Dune kept of a result that was too large, instead of raising; the frame says so.
cache : bool
    Keep the rows on disk, and take from there what was read before: the rows of an execution never
    change. See ``dune-frames cache``.
offline : bool
    Send nothing: answer from the cache alone, or say what is missing.
max_export_mb : float, optional
    Refuse, before the download, an export that is estimated to be larger: in units of 10^6 bytes.
    What a filter or a sample lets through cannot be estimated.
progress : {None, True, False} or callable
    Who is told what a call does that takes longer than a second. `None` shows it where people
    look: in a notebook, or on a terminal's stderr. `True` insists, in plain lines on stderr if need
    be; `False` shows nothing. A function receives every event at once, see `dune_frames.progress`,
    on the thread that reads: it should be quick, and when it fails the read goes on without it."""


#: Options that are amounts: whether they may be zero, and what they are amounts of.
_AMOUNTS = (
    ("timeout", "above 0", "seconds"),
    ("max_export_mb", "from 0 on", "units of 10^6 bytes"),
)


def _amount(name: str, given: object, allowed: str, of: str) -> float | None:
    """Return an amount as a float, also one of numpy, or refuse what is none."""
    if given is None:
        return None
    amount = float(given) if is_amount(given) else nan  # type: ignore[arg-type]
    if amount > 0 or (amount == 0 and allowed != "above 0"):
        return amount
    raise InvalidRequestError(
        f"{name}={given!r} is no amount of {of}", advice=f"give {of} {allowed}, or None."
    )


def _names_in(columns: object) -> tuple[str, ...]:
    """Return the names of the columns wanted, or refuse what is no list of names."""
    names = None if isinstance(columns, str) or not isinstance(columns, Iterable) else [*columns]
    if names is None or not all(isinstance(name, str) for name in names):
        raise InvalidRequestError(
            f"columns={columns if names is None else names!r} is no list of column names",
            advice='give a list of texts, such as ["block_time", "amount_usd"].',
        )
    return tuple(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The options of one read, checked. The defaults of the public functions stand here."""

    columns: Iterable[str] | None = None
    filters: str | None = None
    sort_by: str | None = None
    limit: int | None = None
    offset: int | None = None
    sample_count: int | None = None
    schema_overrides: Mapping[str, pa.DataType] | None = None
    uint256: Uint256 = "exact"
    varbinary: Varbinary = "hex"
    dtype_backend: DtypeBackend = None
    format: Format = "auto"
    timeout: float | None = None
    allow_partial: bool = False
    cache: bool = True
    offline: bool = False
    max_export_mb: float | None = None
    progress: Progress = None

    def __post_init__(self) -> None:
        refuse_other("uint256", self.uint256, ("exact", "string", "float64", "decimal"))
        refuse_other("varbinary", self.varbinary, ("hex", "bytes"))
        refuse_other("format", self.format, ("auto", "json", "csv"))
        refuse_other_progress(self.progress)
        if self.columns is not None:
            # An iterator is read once.
            object.__setattr__(self, "columns", _names_in(self.columns))
        for name, least, what in _AMOUNTS:
            object.__setattr__(self, name, _amount(name, getattr(self, name), least, what))
        _ = self.ask, self.typing  # they refuse what cannot be meant, before anything is billed

    @property
    def ask(self) -> Ask:
        """What to ask Dune for."""
        columns = None if self.columns is None else tuple(self.columns)
        window = Window(
            columns, self.filters, self.sort_by, self.limit, self.offset, self.sample_count
        )
        return Ask(window, self.allow_partial, cautious=self.max_export_mb is not None)

    @property
    def age(self) -> timedelta | None:
        """The greatest age of an earlier result that is taken; `None` for any."""
        return timedelta.max if self.offline else None

    @property
    def typing(self) -> Typing:
        """How to type the columns."""
        overrides = {} if self.schema_overrides is None else self.schema_overrides
        return Typing(TypeOptions(self.uint256, self.varbinary), overrides)

    def frame_options(self, frame: Any) -> FrameOptions:
        """Return what to make of the rows."""
        return FrameOptions(frame, self.dtype_backend, self.uint256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running(Reading):
    """The options of a read that may have to run something first."""

    max_age: MaxAge = None
    performance: str | None = None

    def __post_init__(self) -> None:
        super(Running, self).__post_init__()
        age_of(self.max_age)

    @property
    def age(self) -> timedelta | None:
        """The greatest age of an earlier result that is taken; `None` for any."""
        age = age_of(self.max_age)
        return timedelta.max if self.offline and age is None else age


def shows_options(
    kind: type[Reading], *, without: tuple[str, ...] = ()
) -> Callable[[_Function], _Function]:
    """Put the options of a kind of read into a function's signature and docstring.

    The function itself takes them as ``**options: Unpack[...]``; notebooks and `help` then show
    their names, types and defaults all the same. In the docstring they stand at ``{options}``.
    """
    text = OPTIONS_TEXT if kind is Reading else f"{RUN_OPTIONS_TEXT}\n{OPTIONS_TEXT}"
    shown = [
        inspect.Parameter(
            each.name, inspect.Parameter.KEYWORD_ONLY, default=each.default, annotation=each.type
        )
        for each in sorted(fields(kind), key=lambda each: each.name in Reading.__slots__)
        if each.name not in without
    ]

    def show(function: _Function) -> _Function:
        signature = inspect.signature(function)
        own = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
        function.__signature__ = signature.replace(parameters=[*own, *shown])  # type: ignore[attr-defined]
        function.__doc__ = _with_options(function.__doc__ or "", _without(text, without))
        return function

    return show


def _without(text: str, names: tuple[str, ...]) -> str:
    """Leave the entries of some options out; an entry starts at a line's very beginning."""
    entries = re.split(r"\n(?=\S)", text)
    return "\n".join(each for each in entries if each.partition(" :")[0] not in names)


def _with_options(docstring: str, text: str) -> str:
    for line in docstring.splitlines():
        if line.strip() == "{options}":
            lead = line.removesuffix("{options}")
            return docstring.replace(line, "\n".join(lead + each for each in text.splitlines()))
    return docstring
