"""Where a frame comes from: the small record that travels with it."""

from __future__ import annotations

import json
import weakref
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from dune_frames._download.download import Download
    from dune_frames._run.source import Source
    from dune_frames._wire.answers import Status

#: The key in a pandas frame's `attrs` and in an Arrow schema's metadata.
KEY = "dune"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the rows of a frame come from.

    Attributes
    ----------
    execution_id, query_id : str, int or None
        The execution, and the saved query behind it.
    state : str
        How the execution ended, in Dune's word.
    partial : bool
        Dune kept only a part of the result.
    executed_at, expires_at : str or None
        When the run ended and until when Dune keeps its result; ISO 8601, UTC.
    rows, bytes_exported : int
        Rows in the frame, and bytes of the answers that brought them.
    execution_credits : float or None
        What the run cost, where the status told it; the export comes on top.
    from_cache : bool
        No row was exported: all came from this machine's cache.
    parameters : dict
        The saved query's parameters as they were sent.
    """

    execution_id: str
    query_id: int | None
    state: str
    partial: bool
    executed_at: str | None
    expires_at: str | None
    rows: int
    bytes_exported: int
    execution_credits: float | None
    from_cache: bool
    parameters: dict[str, Any]

    @classmethod
    def of(cls, status: Status, download: Download, source: Source) -> Provenance:
        """Return the record of a download that is over."""
        return cls(
            **of_execution(status),
            rows=download.rows,
            bytes_exported=download.size,
            from_cache=download.size == 0,
            parameters=dict(source.parameters),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `DataFrame.attrs`."""
        return asdict(self)

    def as_metadata(self) -> dict[str, str]:
        """Return it as metadata of an Arrow schema: JSON under one key."""
        return {KEY: json.dumps(self.as_dict())}


def of_execution(status: Status) -> dict[str, Any]:
    """Return what a record tells of the execution alone, however it is read."""
    return {
        "execution_id": status.execution_id,
        "query_id": status.query_id,
        "state": status.state,
        "partial": status.word == "COMPLETED_PARTIAL",
        "executed_at": status.ended_at.isoformat() if status.ended_at else None,
        "expires_at": status.expires_at.isoformat() if status.expires_at else None,
        "execution_credits": status.execution_cost_credits,
    }


@dataclass(frozen=True, slots=True)
class FanOutProvenance:
    """Where the rows of a frame come from that many sets of parameters make up together.

    Attributes
    ----------
    parts : tuple of Provenance
        One record for each set, in the order asked.
    """

    parts: tuple[Provenance, ...]

    @property
    def execution_id(self) -> None:
        """There is none that stands for all."""

    @property
    def query_id(self) -> int | None:
        """The saved query behind all parts."""
        return next((part.query_id for part in self.parts if part.query_id), None)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values, for `DataFrame.attrs`."""
        return {
            "query_id": self.query_id,
            "rows": sum(part.rows for part in self.parts),
            "parts": [part.as_dict() for part in self.parts],
        }

    def as_metadata(self) -> dict[str, str]:
        """Return it as metadata of an Arrow schema: JSON under one key."""
        return {KEY: json.dumps(self.as_dict())}


#: polars frames have no place for metadata, so what is known of them stands here while they live.
_OF_POLARS: dict[int, dict[str, Any]] = {}


def attach(frame: Any, origin: Provenance | FanOutProvenance) -> Any:
    """Return a frame that tells where it comes from."""
    kind = type(frame).__module__.partition(".")[0]
    if kind == "pyarrow":
        return frame.replace_schema_metadata(origin.as_metadata())
    if kind == "pandas":
        frame.attrs[KEY] = origin.as_dict()
    else:
        _OF_POLARS[id(frame)] = origin.as_dict()
        weakref.finalize(frame, _OF_POLARS.pop, id(frame), None)
    return frame


def provenance(frame: pd.DataFrame | pl.DataFrame | pa.Table) -> dict[str, Any] | None:
    """Return where a frame that this library made comes from.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame or pyarrow.Table
        As a read returned it. pandas and pyarrow carry the record on to most frames made from it
        (``frame.attrs["dune"]``; the schema's metadata ``b"dune"``); polars has no place for it, so
        there it is known of the very frame that was returned.

    Returns
    -------
    dict or None
        ``execution_id``, ``query_id``, ``parameters``, ``state``, ``partial``, ``executed_at``,
        ``expires_at``, ``rows``, ``bytes_exported``, ``execution_credits``, ``from_cache``; `None`
        for a frame from elsewhere. A frame of many sets of parameters has ``query_id``, ``rows``,
        and ``parts``: a list with such a record for each set.

    Examples
    --------
    >>> from dune_frames.local import LocalDune
    >>> with LocalDune() as local:
    ...     frame = local.client().read_sql("SELECT 1 AS one", frame="polars")
    >>> provenance(frame)["rows"]
    1
    """
    told = getattr(frame, "attrs", None)
    if told is not None:
        return told.get(KEY)  # type: ignore[no-any-return]
    schema = getattr(frame, "schema", None)
    metadata = getattr(schema, "metadata", None)
    if metadata:
        return json.loads(metadata[KEY.encode()]) if KEY.encode() in metadata else None
    return _OF_POLARS.get(id(frame))
