"""Settings: how an embedded Dune behaves, and which of Dune's oddities it shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Quirks:
    """What the real API is not proven to do always, each to be switched by itself.

    The defaults are what was seen last on the wire. The others were seen once, are documented
    otherwise, or are not known, and a client must survive them all.

    Attributes
    ----------
    column_types : bool
        Whether metadata has ``column_types``. Before mid 2024 it had not.
    timestamp_precision : bool
        Whether a type says its precision: ``timestamp(3) with time zone``, or without ``(3)``.
    time_zone : str
        The zone in which timestamps with time zone are written: an IANA name or ``+hh:mm``.
    dates_as_timestamps : bool
        Whether a date is written ``2021-06-01T00:00:00Z`` (seen in 2024).
    trimmed_decimals : bool
        Whether a decimal's fraction loses its trailing zeros; padded and trimmed ones were seen.
    trimmed_fractions : bool
        Whether a moment's fraction of a second does.
    rows_as_lists : bool
        Whether a ``row(...)`` is a positional JSON list instead of an object.
    non_finite : {"text", "null"}
        NaN and infinities in JSON: Trino's words as strings, or null.
    csv_integers_as_floats : bool
        Whether CSV writes integers from a million on as Go floats.
    csv_uint256_as_floats : bool
        Whether CSV writes ``uint256`` and ``int256`` as Go floats too.
    csv_next_uri : {"csv", "json"}
        Whether ``x-dune-next-uri`` ends in ``/results/csv`` or in ``/results``.
    next_uri_sort_by : bool
        Whether ``next_uri`` repeats ``sort_by``. The documented example does not.
    filtered_total : bool
        Whether ``total_row_count`` counts the filtered rows instead of the stored ones.
    short_pages : int
        How many rows fewer than asked a page has, where more follow.
    cancelled_state : str
        How the cancelled state is spelt on the wire.
    extra_keys : bool
        Whether answers have keys that are documented but seldom seen, and one that nobody knows;
        an execute then answers ``EXECUTING``.
    sparse_metadata : bool
        Whether ``row_count``, ``total_result_set_bytes`` and ``pending_time_millis`` are missing,
        as in 2022.
    latest_has_result : bool
        Whether the latest result of a query is that of the latest run that has one. Else it is
        the latest run, even while it executes or when it failed.
    nan_in_filters : {"unequal", "largest"}
        Whether a filter's comparison with NaN is never true, or takes NaN as the largest number.
    pretty : bool
        Whether JSON is indented.
    max_inflight : int or None
        What every state tells as ``max_inflight_interactive_executions``; without, none tells it.
    """

    column_types: bool = True
    timestamp_precision: bool = True
    time_zone: str = "UTC"
    dates_as_timestamps: bool = False
    trimmed_decimals: bool = False
    trimmed_fractions: bool = False
    rows_as_lists: bool = False
    non_finite: Literal["text", "null"] = "text"
    csv_integers_as_floats: bool = True
    csv_uint256_as_floats: bool = False
    csv_next_uri: Literal["csv", "json"] = "csv"
    next_uri_sort_by: bool = False
    filtered_total: bool = False
    short_pages: int = 0
    cancelled_state: Literal["QUERY_STATE_CANCELLED", "QUERY_STATE_CANCELED"] = (
        "QUERY_STATE_CANCELLED"
    )
    extra_keys: bool = False
    sparse_metadata: bool = False
    latest_has_result: bool = False
    nan_in_filters: Literal["unequal", "largest"] = "unequal"
    pretty: bool = False
    max_inflight: int | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a `LocalDune`, where they are told."""

    page_rows: int = 32_000
    max_datapoints: int = 250_000
    latency: float = 0.0
    rate_limit: int | None = None
    queue_seconds: float = 0.0
    execution_seconds: float = 0.0
    execution_timeout: float = 120.0
    api_key: str | None = field(default=None, repr=False)
    tiers: tuple[str, ...] = ("small", "medium", "large")
    memory_limit_mb: int = 2048
    body_cache_mb: int = 256
    port: int = 0
    quirks: Quirks = field(default_factory=Quirks)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises
        ------
        ValueError
            A size is below 1, or a time below 0.
        """
        for name in ("page_rows", "max_datapoints", "memory_limit_mb"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("latency", "queue_seconds", "execution_seconds", "execution_timeout"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, not {getattr(self, name)}")
        if self.rate_limit is not None and self.rate_limit < 1:
            raise ValueError(f"rate_limit must be at least 1, not {self.rate_limit}")
