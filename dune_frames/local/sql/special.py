"""Special functions: those with literals to be read, or with arguments of one common type."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dune_frames._types.table import DuneType
from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql import operators
from dune_frames.local.sql.binding import bound
from dune_frames.local.sql.casts import cast
from dune_frames.local.sql.failures import failure, unsupported
from dune_frames.local.sql.ordering import is_random
from dune_frames.local.sql.sequences import sequence
from dune_frames.local.sql.types import (
    BIGINT,
    UNKNOWN,
    VARCHAR,
    array_of,
    can_become,
    map_of,
)
from dune_frames.local.sql.values import Value, failing, sql_string
from dune_frames.local.udfs.texts import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlglot import exp

    from dune_frames.local.sql.expressions import Expressions
    from dune_frames.local.sql.nodes import Node
    from dune_frames.local.sql.parts import Parts
    from dune_frames.local.sql.scopes import Scope

    #: Calls a plain function with values.
    Named = Callable[[str, Sequence[Value], Node], Value]

_EMPTY_MAP = map_of(UNKNOWN, UNKNOWN)
_MOST_ARGUMENTS = 10_000


class Special:
    """Translates calls that are not a matter of one line."""

    def __init__(self, expressions: Expressions, parts: Parts, named: Named) -> None:
        self._expressions = expressions
        self._named = named
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
            "row": parts.row,
            "map": self._map,
            "sequence": self._sequence,
            "format": self._format,
            "array_join": self._array_join,
            "grouping": self._grouping,
            "regexp_replace": self._regexp_replace,
            "regexp_extract": self._regexp_extract,
            "regexp_extract_all": self._regexp_extract,
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

        def written(one: str, another: str) -> str:
            equal = operators.compared("=", replace(value, sql=one), replace(other, sql=another))
            return f"CASE WHEN {equal.sql} THEN NULL ELSE {one} END"

        return Value(bound(written, value.sql, other.sql), value.type)

    def _extreme(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Return null when any value is null, which DuckDB's functions pass over."""
        values = self._expressions.unified(self._values(node, scope), node)
        if values[0].type.children:
            raise unsupported(f"{node.name} of {values[0].type}", node)
        choose = _least_of if node.name.lower() == "least" else _greatest_of(values[0].type)

        def written(*operands: str) -> str:
            missing = " OR ".join(f"{operand} IS NULL" for operand in operands)
            return f"CASE WHEN {missing} THEN NULL ELSE {choose(*operands)} END"

        return Value(bound(written, *(value.sql for value in values)), values[0].type)

    def _try(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Let errors become null: ours where they are written, DuckDB's in its own TRY."""
        (inner,) = node.expressions if len(node.expressions) == 1 else (None,)
        if inner is None:
            raise failure("Unexpected number of arguments for function try", node)
        value = self._expressions.value(inner, replace(scope, attempt=True))
        if is_random(value.sql):
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
            return Value(f"CAST(MAP {{}} AS {computed_type(_EMPTY_MAP)})", _EMPTY_MAP)
        keys, values = self._values(node, scope, 2)
        if keys.type.name != "array" or values.type.name != "array":
            raise failure(f"Unexpected parameters ({keys.type}, {values.type}) for map", node)
        dune = map_of(keys.type.children[0].type, values.type.children[0].type)
        return Value(f"map({keys.sql}, {values.sql})", dune)

    def _grouping(self, node: exp.Anonymous, scope: Scope) -> Value:
        values = self._values(node, replace(scope, in_aggregate=True, ungrouped=[]))
        return Value(f"CAST(grouping({', '.join(v.sql for v in values)}) AS BIGINT)", BIGINT)

    # Arrays

    def _sequence(self, node: exp.Anonymous, scope: Scope) -> Value:
        values = self._values(node, scope, 2, 3)
        made = sequence(values)
        if made is None:
            given = ", ".join(str(value.type) for value in values)
            raise failure(f"Unexpected parameters ({given}) for function sequence", node)
        return made

    def _array_join(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Join items as Trino writes them; nulls are passed over, or replaced."""
        array, *texts = self._values(node, scope, 2, 3)
        if array.type.name != "array" or not all(can_become(t.type, VARCHAR) for t in texts):
            given = ", ".join(str(value.type) for value in (array, *texts))
            raise failure(f"Unexpected parameters ({given}) for function array_join", node)
        shown = cast(Value("j", array.type.children[0].type), VARCHAR).sql
        if texts[1:]:
            shown = f"coalesce({shown}, {texts[1].sql})"
        items = f"list_transform({array.sql}, lambda j: {shown})"
        return Value(f"text_join({items}, {texts[0].sql})", VARCHAR)

    # Text

    def _format(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Fill Java's placeholders, each of which takes values of some types only."""
        template, *values = self._values(node, scope)
        if not can_become(template.type, VARCHAR):
            raise failure(f"Unexpected parameters ({template.type}) for function format", node)
        wanted = _placeholders(template.literal, node)
        if len(values) < max((place for place, _ in wanted), default=0):
            raise failure("Format specifier without a value", node)
        for place, kind in wanted:
            if values[place - 1].type.name not in _FORMATTED[kind] | {"unknown"}:
                raise unsupported(f"format of {values[place - 1].type} with %{kind}", node)
        texts = ", ".join(cast(value, VARCHAR).sql for value in values)
        filled = f"text_format({template.sql}, CAST([{texts}] AS VARCHAR[]))"
        return Value(filled, VARCHAR)

    def _regexp_extract(self, node: exp.Anonymous, scope: Scope) -> Value:
        """Extract a group; one that took no part gives null, which RE2 does not tell from ''."""
        values = self._values(node, scope, 2, 3)
        name = node.name.lower()
        if len(values) == 2:  # noqa: PLR2004 - no group
            return self._named(name, values, node)
        group = values[2].literal or ""
        if not group.isdecimal():
            raise unsupported(f"{name} with a group that is no literal", node)
        dune = VARCHAR if name == "regexp_extract" else array_of(VARCHAR)
        refused = f"{name} of a group that may be missing is not supported by the embedded Dune"
        failed = failing(sql_string(refused), dune)

        def written(text: str, pattern: str) -> str:
            taken = f"{name}({text}, {pattern}, {group})"
            is_empty = f"{taken} = ''" if dune == VARCHAR else f"list_contains({taken}, '')"
            optional = f"regexp_matches({pattern}, '\\)[?*{{]|\\|')"
            groups = f"len({pattern}) - len(replace({pattern}, '(', ''))"
            unclear = f"{group} > 0 AND {is_empty} AND ({optional} OR {group} > {groups})"
            found = f"regexp_matches({text}, {pattern}) OR {dune == array_of(VARCHAR)}"
            return f"CASE WHEN {unclear} THEN {failed} WHEN {found} THEN {taken} END"

        texts = (self._expressions.text(one, scope).sql for one in node.expressions[:2])
        return Value(f"CAST({bound(written, *texts)} AS {computed_type(dune)})", dune)

    def _regexp_replace(self, node: exp.Anonymous, scope: Scope) -> Value:
        values = self._values(node, scope, 2, 3)
        texts = [self._expressions.text(one, scope).sql for one in node.expressions]
        written = "" if len(values) == 2 else values[2].literal  # noqa: PLR2004 - no replacement
        if written is None:
            raise unsupported("regexp_replace with a replacement that is no literal", node)
        replacement = sql_string(_replacement(written, node))
        return Value(f"regexp_replace({texts[0]}, {texts[1]}, {replacement}, 'g')", VARCHAR)


_WHOLE = frozenset(("tinyint", "smallint", "integer", "bigint"))
_PARTED = frozenset(("decimal", "real", "double"))
#: The types whose text is the same in Java, by the letter of the placeholder.
_FORMATTED = {
    "s": _WHOLE | _PARTED | {"varchar", "char", "boolean", "date", "uint256", "int256", "uuid"},
    "d": _WHOLE,
    "f": _PARTED,
}


def _placeholders(template: str | None, node: Node) -> list[tuple[int, str]]:
    """Return which value each placeholder of a format takes, counted from 1, and its letter."""
    if template is None:
        raise unsupported("format with a format that is no literal", node)
    if "%" in PLACEHOLDER.sub("", template):
        raise unsupported(f"the format {template}", node)
    found: list[tuple[int, str]] = []
    for match in PLACEHOLDER.finditer(template):
        if match["kind"] in "sdf":
            following = 1 + sum(place > 0 for place, _ in found)
            found.append((int(match["place"] or following), match["kind"]))
    return found


def _least_of(*operands: str) -> str:
    return f"least({', '.join(operands)})"


def _greatest_of(dune: DuneType) -> Callable[..., str]:
    """Return what chooses the greatest value, which NaN is only among nothing but NaN."""

    def plain(*operands: str) -> str:
        return f"greatest({', '.join(operands)})"

    def of_numbers(*operands: str) -> str:
        numbers = (f"CASE WHEN NOT isnan({operand}) THEN {operand} END" for operand in operands)
        return f"coalesce(greatest({', '.join(numbers)}), {operands[0]})"

    return of_numbers if dune.name in ("real", "double") else plain


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
