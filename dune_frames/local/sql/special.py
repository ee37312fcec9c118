"""Special functions: those with literals to be read, or with arguments of one common type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from dune_frames._types.table import DuneType
from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql import operators
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.types import (
    BIGINT,
    TIMESTAMP,
    UNKNOWN,
    VARCHAR,
    can_become,
    is_moment,
    map_of,
)
from dune_frames.local.sql.values import Value, sql_string

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.scopes import Scope

#: MySQL's format letters, which date_format and date_parse take, as strftime's. The others are
#: refused: https://trino.io/docs/current/functions/datetime.html#mysql-date-functions
_FORMAT = {
    **{letter: f"%{letter}" for letter in "YymdHSfbajpH"},
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "s": "%S",
    "M": "%B",
    "c": "%-m",
    "e": "%-d",
    "W": "%A",
    "k": "%-H",
    "l": "%-I",
    "r": "%I:%M:%S %p",
    "T": "%H:%M:%S",
    "v": "%V",
    "x": "%G",
    "%": "%%",
}
_MOST_ARGUMENTS = 10_000
_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")


class Special:
    """Translates calls that are not a matter of one line."""

    def __init__(self, expressions: Expressions) -> None:
        self._expressions = expressions
        self.rules: dict[str, Callable[[exp.Anonymous, Scope], Value]] = {
            "if": self._if,
            "coalesce": self._coalesce,
            "nullif": self._nullif,
            "greatest": self._extreme,
            "least": self._extreme,
            "try": self._try,
            "typeof": self._typeof,
            "mod": self._mod,
            "concat": self._concat,
            "row": expressions.parts.row,
            "map": self._map,
            "grouping": self._grouping,
            "date_add": self._date_add,
            "date_format": self._date_format,
            "date_parse": self._date_parse,
            "at_timezone": self._at_timezone,
            "regexp_replace": self._regexp_replace,
        }

    def _values(self, node: exp.Anonymous, scope: Scope, *counts: int) -> list[Value]:
        if len(node.expressions) not in (counts or range(1, _MOST_ARGUMENTS)):
            raise failure(f"Unexpected number of arguments for function {node.name}", node)
        return self._expressions.values(node.expressions, scope)

    # Conditionals

    def _if(self, node: exp.Anonymous, scope: Scope) -> Value:
        if len(node.expressions) not in (2, 3):
            raise failure("Unexpected number of arguments for function if", node)
        values = self._expressions.values(node.expressions[1:], scope)
        values += [Value("NULL", UNKNOWN)] * (2 - len(values))
        then, otherwise = self._expressions.unified(values, node)
        test = self._expressions.condition(node.expressions[0], scope)
        return Value(f"CASE WHEN {test} THEN {then.sql} ELSE {otherwise.sql} END", then.type)

    def _coalesce(self, node: exp.Anonymous, scope: Scope) -> Value:
        values = self._expressions.unified(self._values(node, scope), node)
        return Value(f"coalesce({', '.join(value.sql for value in values)})", values[0].type)

    def _nullif(self, node: exp.Anonymous, scope: Scope) -> Value:
        value, other = self._values(node, scope, 2)
        equal = operators.compared("=", value, other).sql
        return Value(f"CASE WHEN {equal} THEN NULL ELSE {value.sql} END", value.type)

    def _extreme(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Return null when any value is null, which DuckDB's functions pass over."""
        values = self._expressions.unified(self._values(node, scope), node)
        missing = " OR ".join(f"{value.sql} IS NULL" for value in values)
        chosen = f"{node.name.lower()}({', '.join(value.sql for value in values)})"
        return Value(f"CASE WHEN {missing} THEN NULL ELSE {chosen} END", values[0].type)

    def _try(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Let errors become null: ours where they are written, DuckDB's in its own TRY."""
        (inner,) = node.expressions if len(node.expressions) == 1 else (None,)
        if inner is None:
            raise failure("Unexpected number of arguments for function try", node)
        value = self._expressions.value(inner, replace(scope, attempt=True))
        if "error(" in value.sql or "random()" in value.sql:
            raise unsupported("try around this expression", node)
        return Value(f"TRY({value.sql})", value.type)

    def _typeof(self, node: exp.Anonymous, scope: Scope) -> Value:
        (value,) = self._values(node, scope, 1)
        text = str(value.type)
        return Value(sql_string(text), DuneType("varchar", (len(text),)), text)

    def _mod(self, node: exp.Anonymous, scope: Scope) -> Value:
        left, right = self._values(node, scope, 2)
        return operators.arithmetic("%", left, right, attempt=scope.attempt)

    def _concat(self, node: exp.Anonymous, scope: Scope) -> Value:
        first, *rest = self._values(node, scope)
        for value in rest:
            first = operators.concatenated(first, value)
        return first

    def _map(self, node: exp.Anonymous, scope: Scope) -> Value:
        if not node.expressions:
            return Value("MAP {}", map_of(UNKNOWN, UNKNOWN))
        keys, values = self._values(node, scope, 2)
        if keys.type.name != "array" or values.type.name != "array":
            raise failure(f"Unexpected parameters ({keys.type}, {values.type}) for map", node)
        dune = map_of(keys.type.children[0].type, values.type.children[0].type)
        return Value(f"map({keys.sql}, {values.sql})", dune)

    def _grouping(self, node: exp.Anonymous, scope: Scope) -> Value:
        values = self._values(node, replace(scope, in_aggregate=True, ungrouped=[]))
        return Value(f"CAST(grouping({', '.join(v.sql for v in values)}) AS BIGINT)", BIGINT)

    # Moments

    def _date_add(self, node: exp.Anonymous, scope: Scope) -> Value:
        unit = node.expressions[0].name.lower() if node.expressions else ""
        if unit not in _UNITS:
            raise failure(f"'{unit}' is not a valid TIMESTAMP field", node)
        _, count, moment = self._values(node, scope, 3)
        if not is_moment(moment.type) or not can_become(count.type, BIGINT):
            raise failure(f"Unexpected parameters ({moment.type}) for function date_add", node)
        one = "3 MONTH" if unit == "quarter" else f"1 {unit.upper()}"
        moved = f"{moment.sql} + INTERVAL {one} * CAST({count.sql} AS INTEGER)"
        return Value(f"CAST({moved} AS {computed_type(moment.type)})", moment.type)

    def _date_format(self, node: exp.Anonymous, scope: Scope) -> Value:
        value = self._values(node, scope, 2)[0]
        if not is_moment(value.type):
            raise failure(f"Unexpected parameters ({value.type}) for function date_format", node)
        moment = cast(value, replace(TIMESTAMP, arguments=value.type.arguments or (3,)))
        return Value(f"strftime({moment.sql}, {sql_string(_format(node))})", VARCHAR)

    def _date_parse(self, node: exp.Anonymous, scope: Scope) -> Value:
        value = self._expressions.text(node.expressions[0], scope)
        self._values(node, scope, 2)
        name = "try_strptime" if scope.attempt else "strptime"
        parsed = f"{name}({value.sql}, {sql_string(_format(node))})"
        return Value(f"CAST({parsed} AS TIMESTAMP)", TIMESTAMP)

    def _at_timezone(self, node: exp.Anonymous, scope: Scope) -> Value:
        self._values(node, scope, 2)
        value, zone = node.expressions
        return self._expressions.value(exp.AtTimeZone(this=value, zone=zone), scope)

    # Text

    def _regexp_replace(self, node: exp.Anonymous, scope: Scope) -> Value:
        values = self._values(node, scope, 2, 3)
        texts = [self._expressions.text(one, scope).sql for one in node.expressions]
        written = "" if len(values) == 2 else values[2].literal  # noqa: PLR2004 - no replacement
        if written is None:
            raise unsupported("regexp_replace with a replacement that is no literal", node)
        replacement = sql_string(_replacement(written, node))
        return Value(f"regexp_replace({texts[0]}, {texts[1]}, {replacement}, 'g')", VARCHAR)


def _format(node: exp.Anonymous) -> str:
    """Return the format of date_format or date_parse as strftime's."""
    literal = node.expressions[1]
    if not isinstance(literal, exp.Literal):
        raise unsupported(f"{node.name} with a format that is no literal", node)
    return "".join(_format_parts(iter(literal.name), node))


def _format_parts(letters: Iterator[str], node: exp.Anonymous) -> Iterator[str]:
    for letter in letters:
        if letter != "%":
            yield letter
            continue
        code = next(letters, "")
        if code not in _FORMAT:
            raise unsupported(f"the date format %{code}", node)
        yield _FORMAT[code]


def _replacement(text: str, node: exp.Anonymous) -> str:
    r"""Return Java's replacement, ``$1``, as RE2's, ``\1``."""
    parts = []
    letters = iter(text)
    for letter in letters:
        following = next(letters, "") if letter in "$\\" else ""
        if letter == "$" and not following.isdecimal():
            raise unsupported("a named group in a replacement", node)
        if letter == "$":
            parts.append(f"\\{following}")
        elif letter == "\\":
            parts.append("\\\\" if following == "\\" else following)
        else:
            parts.append(letter)
    return "".join(parts)
