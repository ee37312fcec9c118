"""Random SQL: grown from a grammar, or made of known queries by small changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dune_frames._types.table import DuneType, parse_type
from dune_frames.local.sql.functions import AGGREGATES, SCALARS, WINDOWS, Signature

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

_LITERALS = (
    "0", "1", "-1", "2147483647", "9223372036854775807", "9223372036854775808", "1.5", "0.00", "1e18", "1e308",
    "99999999999999999999999999999999999999", "null", "true", "''", "'a'", "'1'", "'é🦆'", "'%'", "'$.a'", "'day'",
    "'{\"a\": [1, null]}'", "'[1,2'", "0x", "0xab", "0xabc", "uint256 '1'", "int256 '-1'",
    "uint256 '115792089237316195423570985008687907853269984665640564039457584007913129639935'",
    "date '2024-02-29'", "timestamp '2024-02-29 10:00:00.123456'", "timestamp '2024-02-29 10:00 UTC'", "interval '1' day",
    "interval '-14' month", "array[1, null]", "array[]", "array[array['a']]", "map(array['a'], array[1])", "map()", "row(1, 'a')",
    "nan()", "infinity()", "json '{}'", "now()", "current_date", "x", "s", "xs", "m", "t.x",
)  # fmt: skip
_TYPES = (
    "tinyint", "integer", "bigint", "double", "real", "decimal(38, 2)", "decimal(3)", "varchar", "varchar(2)", "char(3)",
    "varbinary", "boolean", "date", "time", "timestamp", "timestamp(9)", "timestamp with time zone", "uint256", "int256", "json",
    "uuid", "array(bigint)", "map(varchar, uint256)", "row(a integer, b varchar)", "nosuch", "interval day to second",
)  # fmt: skip
_BINARY = (
    "+", "-", "*", "/", "%", "||", "=", "<>", "<", ">=", "and", "or", "like", "is distinct from", "!=",
)  # fmt: skip
_NAMES = sorted(SCALARS.names | AGGREGATES.names | WINDOWS.names | {
    "if", "coalesce", "nullif", "greatest", "least", "try", "typeof", "concat", "date_trunc", "date_add",
    "date_diff", "date_format", "format", "sequence", "array_join", "map", "row", "at_timezone", "from_unixtime",
})  # fmt: skip
_LAMBDAS = (
    "transform",
    "filter",
    "any_match",
    "all_match",
    "none_match",
    "array_sort",
    "map_filter",
    "transform_values",
    "reduce",
)
_SOURCE = "(VALUES (1, 'a', array[1, 2], map(array['k'], array[1])), (2, null, array[], null)) AS t(x, s, xs, m)"
#: Values of a type, by its name.
_OF_TYPE = {
    "integer": ("0", "1", "-7", "x", "2147483647"),
    "bigint": ("bigint '0'", "bigint '9223372036854775807'", "bigint '-3'", "cast(x as bigint)", "bigint '2'", "bigint '70'"),
    "double": ("0e0", "1.5e0", "-1e0", "nan()", "infinity()", "1e308", "cast(x as double)"),
    "real": ("real '1.5'", "real '-0'"),
    "decimal": ("1.50", "0.0", "-12345678901234567890.123", "decimal '99999999999999999999999999999999999999'"),
    "varchar": ("''", "'a'", "'a,b'", "'é🦆'", "'$.a'", "'{\"a\": [1, {\"b\": 1.50}]}'", "'[1, null]'", "s", "'2024-02-29'", "'(a)(b)?'", "'0xab'", "'%'"),
    "varbinary": ("0x", "0xab", "0x" + "ff" * 32, "cast(uint256 '5' as varbinary)", "to_utf8(s)"),
    "boolean": ("true", "false", "x > 1", "s is null"),
    "date": ("date '2024-02-29'", "date '1970-01-01'", "date '9999-12-31'"),
    "timestamp": ("timestamp '2024-02-29 10:00:00.123'", "timestamp '1969-12-31 23:59:59'", "timestamp '2024-01-01 00:00:00.123456'"),
    "timestamp with time zone": ("timestamp '2024-02-29 10:00:00.123 UTC'", "now()", "from_unixtime(1.5e9)"),
    "interval day to second": ("interval '1' day", "interval '-36' hour", "interval '0' second"),
    "interval year to month": ("interval '1' month", "interval '-14' month"),
    "uint256": ("uint256 '0'", "uint256 '115792089237316195423570985008687907853269984665640564039457584007913129639935'", "cast(x as uint256)"),
    "int256": ("int256 '-1'", "int256 '0'"),
    "json": ("json '{\"a\": 1}'", "json_parse('[1, \"b\", null]')"),
    "uuid": ("uuid()",),
    "unknown": ("null",),
}  # fmt: skip
_TOKEN = re.compile(r"\w+|'(?:[^']|'')*'|\"[^\"]*\"|\s+|.", re.DOTALL)
_ODD = (
    "\x00",
    "\u202e",
    "🦆",
    ";",
    "--",
    "/*",
    "'",
    '"',
    "{{x}}",
    "(" * 40,
    ")",
    "::",
    "\\",
    "`",
    "$$",
    "@",
    "?",
    "[",
    "1" * 400,
)
#: What a query must never do; `{file}` and `{url}` are watched.
ATTACKS = (
    "SELECT * FROM '{file}'", 'SELECT * FROM "{file}"', "SELECT * FROM read_csv('{file}')", "SELECT * FROM read_text('{file}')",
    "SELECT * FROM read_parquet('{url}')", "SELECT * FROM glob('{folder}/*')", "SELECT read_text('{file}')", "SELECT getenv('HOME')",
    "COPY (SELECT 1) TO '{folder}/written.csv'", "ATTACH '{folder}/written.db'", "EXPORT DATABASE '{folder}/written'",
    "INSTALL httpfs FROM '{url}'", "LOAD '{folder}/written.so'", "SET memory_limit = '1TB'", "PRAGMA database_list", "CALL pragma_version()",
    "CREATE TABLE a AS SELECT 1", "CREATE SECRET (TYPE s3)", 'DROP TABLE "dex.trades"', "CREATE MACRO f(x) AS x", "SET VARIABLE run = 'a'",
    "SELECT getvariable('run')", "SELECT tick('a', 1)", "SELECT fail('a')", "SELECT query('SELECT 1')", "SELECT * FROM query_table('dex.trades')",
    "SELECT * FROM duckdb_settings()", "SELECT * FROM sqlite_master", "SELECT * FROM pragma_table_info('t')", "SELECT current_setting('threads')",
    "SELECT CAST('{file}' AS nosuch)", "SELECT * FROM range(10)", "SELECT * FROM which_secret('{file}', 's3')", "SELECT write_log('a')",
    'SELECT * FROM "results.of_1"', "SELECT * FROM t; COPY t TO '{folder}/written.csv'", "SELECT 'a' || (SELECT * FROM read_text('{file}'))",
    "WITH w AS MATERIALIZED (SELECT * FROM read_blob('{file}')) SELECT * FROM w", "SELECT * FROM (FROM read_csv('{file}'))",
    "SELECT x FROM (VALUES '{file}') AS t(x) JOIN LATERAL (SELECT * FROM read_text(x)) AS u ON true",
)  # fmt: skip


_TYPED = [parse_type(name) for name in (
    "integer", "varchar", "varbinary", "bigint", "double", "decimal(3, 2)", "boolean", "date", "timestamp(3)",
    "timestamp(3) with time zone", "uint256", "int256", "json", "array(varchar)", "array(bigint)", "map(varchar, bigint)",
    "interval day to second",
)]  # fmt: skip
_RETURNING: dict[str, list[tuple[str, Signature]]] = {}
for _name, _signature in (pair for functions in (SCALARS,) for pair in functions.signatures()):
    for _kind in (
        (_signature.returns.name,)
        if _signature.returns.name not in ("t", "k", "v", "n")
        else ("integer", "varchar")
    ):
        _RETURNING.setdefault(_kind, []).append((_name, _signature))


@dataclass
class Grammar:
    """Makes SQL.

    Attributes
    ----------
    chance : random.Random
        The only source of chance.
    seeds : sequence of str
        Queries to change.
    places : mapping of str to str
        What stands for the names in attacks.
    """

    chance: random.Random
    seeds: Sequence[str]
    places: dict[str, str]

    def query(self) -> str:
        """Return a text that may be a query."""
        makers: list[Callable[[], str]] = [
            self._well_typed,
            self._well_typed,
            self._grown,
            self._changed,
            self._changed,
            self._attack,
        ]
        return self.chance.choice(makers)()

    # Grown by types

    def _well_typed(self) -> str:
        shown = self._typed(self.chance.choice(_TYPED), self.chance.randint(1, 3))
        word = self.chance.choice(
            (
                "",
                "",
                " ORDER BY 1 DESC",
                " GROUP BY 1",
                " WHERE " + self._typed(parse_type("boolean"), 2),
            )
        )
        return f"SELECT {shown} AS y FROM {_SOURCE}{word}"

    def _typed(self, dune: DuneType, depth: int) -> str:
        """Return an expression of a type, or of one that is taken for it."""
        if dune.name in ("t", "k", "v", "n"):
            dune = self.chance.choice(_TYPED[:3])
        if dune.name in ("s", "z"):
            dune = DuneType({"s": "timestamp", "z": "timestamp with time zone"}[dune.name], (3,))
        pick = self.chance.random()
        if pick < 0.1:
            return f"try({self._typed(dune, depth - 1)})" if depth > 0 else "null"
        if pick < 0.2 and depth > 0:
            inner = (self._typed(dune, depth - 1) for _ in range(2))
            return f"CASE WHEN {self._typed(parse_type('boolean'), depth - 1)} THEN {next(inner)} ELSE {next(inner)} END"
        if (
            pick < 0.3
            and depth > 0
            and dune.name in ("integer", "bigint", "double", "decimal", "uint256", "int256")
        ):
            return f"({self._typed(dune, depth - 1)} {self.chance.choice('+-*/%')} {self._typed(dune, depth - 1)})"
        calls = _RETURNING.get(dune.name, ())
        if calls and depth > 0 and pick < 0.85:
            name, signature = self.chance.choice(calls)
            wanted = [self._typed(parameter, depth - 1) for parameter in signature.parameters]
            return f"{name}({', '.join(wanted)})"
        return self._plain(dune, depth)

    def _plain(self, dune: DuneType, depth: int) -> str:
        parts = [self._typed(child.type, depth - 1) for child in dune.children]
        if dune.name == "array":
            return f"ARRAY[{', '.join(self._typed(dune.children[0].type, depth - 1) for _ in range(self.chance.randint(0, 3)))}]"
        if dune.name == "map":
            return f"MAP(ARRAY[{parts[0]}], ARRAY[{parts[1]}])"
        if dune.name == "row":
            return f"ROW({', '.join(parts)})"
        return self.chance.choice(_OF_TYPE[dune.name])

    def _attack(self) -> str:
        text = self.chance.choice(ATTACKS)
        for name, place in self.places.items():
            text = text.replace(f"{{{name}}}", place)
        return self._mutated(text) if self.chance.random() < 0.4 else text

    # Grown from the grammar

    def _grown(self) -> str:
        one = self._select(self.chance.randint(0, 3))
        if self.chance.random() < 0.15:
            word = self.chance.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
            one = f"{one} {word} {self._select(1)}"
        if self.chance.random() < 0.15:
            one = f"WITH w AS ({self._select(1)}), v(a) AS (SELECT 1) {one}"
        return one

    def _select(self, depth: int) -> str:
        chance = self.chance.random
        shown = ", ".join(self._expression(depth) for _ in range(self.chance.randint(1, 2)))
        sql = f"SELECT {'DISTINCT ' if chance() < 0.1 else ''}{shown} FROM {self._source(depth)}"
        if chance() < 0.3:
            sql += f" WHERE {self._expression(depth)}"
        if chance() < 0.25:
            sql += f" GROUP BY {self.chance.choice(('1', 'x', 'rollup(x, s)', 'grouping sets ((x), ())', self._expression(1)))}"
        if chance() < 0.15:
            sql += f" HAVING {self._expression(1)}"
        if chance() < 0.25:
            sql += f" ORDER BY {self.chance.choice(('1', 'x DESC', self._expression(1)))} NULLS {self.chance.choice(('FIRST', 'LAST'))}"
        return sql + (f" LIMIT {self.chance.randint(0, 3)}" if chance() < 0.3 else "")

    def _source(self, depth: int) -> str:
        return self.chance.choice((
            _SOURCE, _SOURCE, _SOURCE + " CROSS JOIN UNNEST(xs) WITH ORDINALITY AS u(y, n)",
            _SOURCE + " LEFT JOIN (VALUES 1) AS v(y) ON x = y", f"({self._select(0)}) AS t(x)" if depth else _SOURCE,
            "dex.trades", "query_1", "w", "UNNEST(" + self._expression(1) + ") AS t(x)",
        ))  # fmt: skip

    def _expression(self, depth: int) -> str:
        if depth <= 0 or self.chance.random() < 0.15:
            return self.chance.choice(_LITERALS)
        inner = lambda: self._expression(depth - 1)  # noqa: E731 - a word for it
        return self.chance.choice((
            lambda: f"({inner()} {self.chance.choice(_BINARY)} {inner()})",
            lambda: self._call(inner),
            lambda: self._call(inner),
            lambda: self._call(inner),
            lambda: f"{self.chance.choice(('CAST', 'TRY_CAST'))}({inner()} AS {self.chance.choice(_TYPES)})",
            lambda: f"CASE WHEN {inner()} THEN {inner()} ELSE {inner()} END",
            lambda: f"{self._call(inner)} OVER (PARTITION BY {inner()} ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            lambda: f"{self.chance.choice(_LAMBDAS)}({inner()}, {self.chance.choice(('a', '(a, b)'))} -> {inner()})",
            lambda: f"({inner()} {self.chance.choice(('IN', 'NOT IN'))} ({inner()}, {inner()}))",
            lambda: f"({inner()} IS {self.chance.choice(('', 'NOT '))}NULL)",
            lambda: f"{inner()}[{inner()}]",
            lambda: f"(SELECT max({inner()}) FROM {_SOURCE})",
            lambda: f"({inner()} BETWEEN {inner()} AND {inner()})",
            lambda: f"({inner()} AT TIME ZONE {self.chance.choice(_LITERALS)})",
            lambda: f"extract({self.chance.choice(('year', 'hour', 'epoch'))} FROM {inner()})",
            lambda: f"ARRAY[{inner()}, {inner()}]",
        ))()  # fmt: skip

    def _call(self, inner: Callable[[], str]) -> str:
        count = self.chance.choice((0, 1, 1, 2, 2, 3))
        return f"{self.chance.choice(_NAMES)}({', '.join(inner() for _ in range(count))})"

    # Made by changes

    def _changed(self) -> str:
        return self._mutated(self.chance.choice(self.seeds))

    def _mutated(self, text: str) -> str:
        tokens = _TOKEN.findall(text)
        for _ in range(self.chance.randint(1, 4)):
            if not tokens:
                return text
            place = self.chance.randrange(len(tokens))
            other = _TOKEN.findall(self.chance.choice(self.seeds))
            change = self.chance.randrange(7)
            if change == 0:
                del tokens[place]
            elif change == 1:
                tokens.insert(place, tokens[self.chance.randrange(len(tokens))])
            elif change == 2:
                tokens[place] = self.chance.choice(_LITERALS)
            elif change == 3:
                tokens[place] = self.chance.choice(other)
            elif change == 4:
                start = self.chance.randrange(len(other))
                tokens[place:place] = other[start : start + self.chance.randint(1, 12)]
            elif change == 5:
                tokens[place] = self.chance.choice(_ODD)
            else:
                tokens[place] = self._expression(2)
        return "".join(tokens)
