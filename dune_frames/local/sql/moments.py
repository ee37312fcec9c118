"""Moments: the functions of dates, times and timestamps, and of their clock in other time zones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.formats import FormatError, joda_format, mysql_format
from dune_frames.local.sql.types import (
    BIGINT,
    DATE,
    DAY_TO_SECOND,
    DOUBLE,
    TIMESTAMP,
    TIMESTAMP_TZ,
    VARCHAR,
    YEAR_TO_MONTH,
    can_become,
    common_type,
    fraction_digits,
    is_moment,
)
from dune_frames.local.sql.values import Value, sql_string

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames._types.table import DuneType
    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.scopes import Scope

_DATE_UNITS = ("day", "week", "month", "quarter", "year")
_UNITS = ("millisecond", "second", "minute", "hour", *_DATE_UNITS)
#: Parts of a moment, all bigint, with DuckDB's word for each.
PARTS = {
    "year": "year",
    "quarter": "quarter",
    "month": "month",
    "week": "week",
    "week_of_year": "week",
    "day": "day",
    "day_of_month": "day",
    "day_of_week": "isodow",
    "dow": "isodow",
    "day_of_year": "dayofyear",
    "doy": "dayofyear",
    "year_of_week": "isoyear",
    "yow": "isoyear",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
    "millisecond": "millisecond",
}
_MICROSECONDS = "epoch_us({0})"
_MONTHS = "(date_part('year', {0}) * 12 + date_part('month', {0}))"
#: Parts of intervals.
_SPANS: dict[str, dict[str, str]] = {
    DAY_TO_SECOND.name: {
        "day": f"{_MICROSECONDS} // 86400000000",
        "hour": f"{_MICROSECONDS} // 3600000000 % 24",
        "minute": f"{_MICROSECONDS} // 60000000 % 60",
        "second": f"{_MICROSECONDS} // 1000000 % 60",
        "millisecond": f"{_MICROSECONDS} // 1000 % 1000",
    },
    YEAR_TO_MONTH.name: {"year": f"{_MONTHS} // 12", "month": f"{_MONTHS} % 12"},
}


class Moments:
    """Translates the functions of moments.

    A timestamp with time zone is only its instant here: Dune's clock is UTC's. What stands ``AT
    TIME ZONE`` elsewhere is the clock of that zone where it is formatted, truncated, taken apart or
    made a date, and refused anywhere else.
    """

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self.rules: dict[str, Callable[[exp.Anonymous, Scope], Value]] = {
            **dict.fromkeys(PARTS, self._part),
            "date": self._date,
            "date_trunc": self._date_trunc,
            "date_diff": self._date_diff,
            "date_add": self._date_add,
            "date_format": self._date_format,
            "format_datetime": self._format_datetime,
            "date_parse": self._date_parse,
            "from_unixtime": self._from_unixtime,
            "to_iso8601": self._to_iso8601,
            "at_timezone": self._at_timezone,
        }

    def _arguments(self, node: exp.Anonymous, *counts: int) -> list[Node]:
        if len(node.expressions) not in counts:
            raise failure(f"Unexpected number of arguments for function {node.name}", node)
        return list(node.expressions)

    def _refused(self, node: Node, value: Value, name: str) -> Exception:
        return failure(f"Unexpected parameters ({value.type}) for function {name}", node)

    # Time zones

    def at_time_zone(self, node: exp.AtTimeZone, scope: Scope) -> Value:
        """Return a moment at UTC's clock."""
        zone = self._expressions.value(node.args["zone"], scope)
        if (zone.literal or "").upper() != "UTC":
            raise unsupported("a time zone other than UTC here", node)
        value = self._expressions.value(node.this, scope)
        return cast(value, replace(TIMESTAMP_TZ, arguments=value.type.arguments or (3,)))

    def clock(self, node: Node, scope: Scope) -> Value:
        """Return an expression; what is at another time zone as the time on the clock there."""
        local, _ = self._local(node, scope)
        return self._expressions.value(node, scope) if local is None else local

    def shown(self, node: Node, scope: Scope) -> Value:
        """Return an expression; what is at another time zone as text, with its zone."""
        local, zone = self._local(node, scope)
        if local is None:
            return self._expressions.value(node, scope)
        return Value(f"({cast(local, VARCHAR).sql} || {sql_string(f' {zone}')})", VARCHAR)

    def _local(self, node: Node, scope: Scope) -> tuple[Value | None, str]:
        node = node.unnest()
        if isinstance(node, exp.Anonymous) and node.name.lower() == "date_trunc":
            unit, inner = self._arguments(node, 2)
            local, place = self._local(inner, scope)
            return (local and self._truncated(unit, local, scope)), place
        if isinstance(node, exp.Anonymous) and node.name.lower() == "at_timezone":
            node = exp.AtTimeZone(this=node.expressions[0], zone=node.expressions[-1])
        if not isinstance(node, exp.AtTimeZone):
            return None, ""
        zone = self._expressions.value(node.args["zone"], scope).literal or ""
        if not zone or zone.upper() == "UTC":
            return None, ""
        value = self._expressions.value(node.this, scope)
        digits = value.type.arguments or (3,)
        instant = cast(value, replace(TIMESTAMP_TZ, arguments=digits))
        there = f"timezone({sql_string(zone)}, {instant.sql})"
        return Value(there, replace(TIMESTAMP, arguments=digits)), zone

    def _at_timezone(self, node: exp.Anonymous, scope: Scope) -> Value:
        value, zone = self._arguments(node, 2)
        return self._expressions.value(exp.AtTimeZone(this=value, zone=zone), scope)

    # Units

    def _unit(self, node: Node, moment: Value, scope: Scope) -> str:
        unit = (self._expressions.value(node, scope).literal or "").lower()
        if not unit:
            raise unsupported("a unit that is no literal", node)
        kind = "DATE" if moment.type == DATE else "TIMESTAMP"
        if unit not in (_DATE_UNITS if kind == "DATE" else _UNITS):
            raise failure(f"'{unit}' is not a valid {kind} field", node)
        return unit

    def _date_trunc(self, node: exp.Anonymous, scope: Scope) -> Value:
        unit, moment = self._arguments(node, 2)
        return self._truncated(unit, self._expressions.value(moment, scope), scope)

    def _truncated(self, node: Node, value: Value, scope: Scope) -> Value:
        if not is_moment(value.type):
            raise self._refused(node, value, "date_trunc")
        unit = sql_string(self._unit(node, value, scope))
        truncated = f"date_trunc({unit}, {_at_utc(value)})"
        return Value(_from_utc(truncated, value.type), value.type)

    def _date_diff(self, node: exp.Anonymous, scope: Scope) -> Value:
        unit, *moments = self._arguments(node, 3)
        values = self._expressions.values(moments, scope)
        common = common_type(*(value.type for value in values))
        if common is None or not is_moment(common):
            raise self._refused(node, values[0], "date_diff")
        sides = [_at_utc(cast(value, common)) for value in values]
        name = self._unit(unit, Value("", common), scope)
        sql = f"CAST(date_sub({sql_string(name)}, {', '.join(sides)}) AS BIGINT)"
        return Value(sql, BIGINT)

    def _date_add(self, node: exp.Anonymous, scope: Scope) -> Value:
        unit, count, moment = self._arguments(node, 3)
        number, value = self._expressions.values([count, moment], scope)
        if not is_moment(value.type) or not can_become(number.type, BIGINT):
            raise self._refused(node, value, "date_add")
        name = self._unit(unit, value, scope)
        one = "3 MONTH" if name == "quarter" else f"1 {name.upper()}"
        moved = f"{value.sql} + INTERVAL {one} * CAST({number.sql} AS INTEGER)"
        return Value(f"CAST({moved} AS {computed_type(value.type)})", value.type)

    # Formats

    def _date_format(self, node: exp.Anonymous, scope: Scope) -> Value:
        return self._formatted(node, scope, mysql_format)

    def _format_datetime(self, node: exp.Anonymous, scope: Scope) -> Value:
        return self._formatted(node, scope, joda_format)

    def _formatted(self, node: exp.Anonymous, scope: Scope, convert: Callable[[str], str]) -> Value:
        """Format a moment, of which Trino takes the milliseconds."""
        moment, template = self._arguments(node, 2)
        value = self.clock(moment, scope)
        if not is_moment(value.type):
            raise self._refused(node, value, node.name)
        precise = value.type != DATE and fraction_digits(value.type) > fraction_digits(TIMESTAMP)
        written = _at_utc(value)
        moment_sql = f"date_trunc('millisecond', {written})" if precise else written
        return Value(f"strftime({moment_sql}, {_format(template, node, convert)})", VARCHAR)

    def _date_parse(self, node: exp.Anonymous, scope: Scope) -> Value:
        text, template = self._arguments(node, 2)
        name = "try_strptime" if scope.attempt else "strptime"
        value = self._expressions.text(text, scope)
        parsed = f"{name}({value.sql}, {_format(template, node, mysql_format)})"
        return Value(f"CAST({parsed} AS TIMESTAMP)", TIMESTAMP)

    # From and to

    def _date(self, node: exp.Anonymous, scope: Scope) -> Value:
        (moment,) = self._arguments(node, 1)
        return cast(self.clock(moment, scope), DATE, attempt=scope.attempt)

    def _from_unixtime(self, node: exp.Anonymous, scope: Scope) -> Value:
        seconds, *zone = self._expressions.values(self._arguments(node, 1, 2), scope)
        if any((value.literal or "").upper() != "UTC" for value in zone):
            raise unsupported("a time zone other than UTC", node)
        if not can_become(seconds.type, DOUBLE):
            raise self._refused(node, seconds, "from_unixtime")
        number = cast(seconds, DOUBLE).sql
        micros = f"CAST(round({number} * 1000) AS BIGINT) * 1000"
        return Value(f"timezone('UTC', make_timestamp({micros}))", TIMESTAMP_TZ)

    def _to_iso8601(self, node: exp.Anonymous, scope: Scope) -> Value:
        (moment,) = self._arguments(node, 1)
        value = self._expressions.value(moment, scope)
        if not is_moment(value.type):
            raise self._refused(node, value, "to_iso8601")
        text = cast(value, VARCHAR).sql
        return Value(f"replace(replace({text}, ' UTC', 'Z'), ' ', 'T')", VARCHAR)

    # Parts

    def _part(self, node: exp.Anonymous, scope: Scope) -> Value:
        (moment,) = self._arguments(node, 1)
        return self.part(node.name.lower(), moment, node, scope)

    def part(self, name: str, moment: Node, node: Node, scope: Scope) -> Value:
        """Return a part of a moment or of an interval.

        Raises
        ------
        SqlError
            There is no such part, or it is of something else.
        """
        if name not in PARTS:
            raise unsupported(f"EXTRACT({name})", node)
        value = self.clock(moment, scope)
        spans = _SPANS.get(value.type.name, {})
        if name in spans:
            return Value(f"CAST({spans[name].format(value.sql)} AS BIGINT)", BIGINT)
        if not is_moment(value.type) and value.type.name != "time":
            raise self._refused(node, value, name)
        part = f"date_part({sql_string(PARTS[name])}, {_at_utc(value)})"
        if name == "millisecond":
            part = f"{part} % 1000"
        return Value(f"CAST({part} AS BIGINT)", BIGINT)


def _at_utc(value: Value) -> str:
    """Return a moment without a zone."""
    return f"timezone('UTC', {value.sql})" if value.type.name.endswith("zone") else value.sql


def _from_utc(sql: str, dune: DuneType) -> str:
    """Return a moment of the given type, of one without a zone."""
    if dune.name.endswith("zone"):
        return f"timezone('UTC', CAST({sql} AS TIMESTAMP))"
    return f"CAST({sql} AS {computed_type(dune)})"


def _format(template: Node, node: exp.Anonymous, convert: Callable[[str], str]) -> str:
    if not isinstance(template, exp.Literal):
        raise unsupported(f"{node.name} with a format that is no literal", node)
    try:
        return sql_string(convert(template.name))
    except FormatError as error:
        raise unsupported(str(error), node) from None
