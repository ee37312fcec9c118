"""The parser: DuneSQL's grammar, with every function left as it is written."""

from __future__ import annotations

from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dune import Dune
from sqlglot.errors import ParseError, SqlglotError

from dune_frames.local.sql.failures import SqlError
from dune_frames.local.sql.nodes import Node

_SPECIAL_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "SUBSTRING", "POSITION")


_PARSER: Any = Dune.Parser


class _Grammar(Dune):
    """sqlglot's Dune, but functions stay anonymous and subscripts stay as written."""

    INDEX_OFFSET = 0

    class Parser(_PARSER):  # type: ignore[misc]
        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parse
            for name, parse in Dune.Parser.FUNCTION_PARSERS.items()
            if name in _SPECIAL_SYNTAX
        }
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parse
            for name, parse in Dune.Parser.NO_PAREN_FUNCTION_PARSERS.items()
            if name in ("CASE", "ANY")
        }


def parsed(sql: str) -> Node:
    """Return the tree of one query.

    Raises
    ------
    SqlError
        It is no query, or more than one.
    """
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=_Grammar) if tree is not None]
    except ParseError as error:
        raise _mismatch(error, sql) from None
    except (SqlglotError, RecursionError) as error:
        raise SqlError(f"mismatched input: {str(error).splitlines()[0]}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Query | exp.Values):
        raise SqlError("mismatched input. Expecting one query", offset=0)
    return trees[0]


def type_text(data_type: Node) -> str:
    """Return a type of the tree as Dune writes it."""
    return data_type.sql(dialect=_Grammar)


def argument(node: Node, name: str) -> Node | None:
    """Return an argument whose name some releases of sqlglot write with an underscore."""
    found = node.args.get(name) or node.args.get(f"{name}_")
    return found if isinstance(found, Node) else None


def _mismatch(error: ParseError, sql: str) -> SqlError:
    details = error.errors[0] if error.errors else {}
    word, line, column = (details.get(key) for key in ("highlight", "line", "col"))
    if not word or not line or not column:
        return SqlError("mismatched input '<EOF>'", len(sql.rstrip()))
    starts = [0]
    for text in sql.split("\n"):
        starts.append(starts[-1] + len(text) + 1)
    offset = starts[line - 1] + column - len(word)
    return SqlError(f"mismatched input '{word}'", max(offset, 0))
