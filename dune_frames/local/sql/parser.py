"""The parser: DuneSQL's grammar, with every function left as it is written."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.dune import Dune
from sqlglot.errors import ParseError, SqlglotError, TokenError

from dune_frames.local.sql.failures import SqlError
from dune_frames.local.sql.nodes import Node

_SPECIAL_SYNTAX = (
    "CAST",
    "TRY_CAST",
    "EXTRACT",
    "TRIM",
    "SUBSTRING",
    "POSITION",
    "JSON_QUERY",
    "JSON_VALUE",
)
#: Operators of other dialects that sqlglot would take.
_FOREIGN_OPERATORS = ("==", "<=>", "::", "~~", "~~~", "~~*", "~~~*", "&&", "//", "->>", "#>", "#>>")
#: Types whose literals, ``TIMESTAMP '...'``, are not the same as casts of a text.
_LITERALS = (
    exp.DataType.Type.TIMESTAMP,
    exp.DataType.Type.TIMESTAMPTZ,
    exp.DataType.Type.TIME,
    exp.DataType.Type.DECIMAL,
)
#: https://docs.dune.com/query-engine/reserved-keywords, as far as sqlglot takes them for names.
_RESERVED = frozenset(files(__package__).joinpath("reserved.txt").read_text("utf-8").split())
_PARSER: Any = Dune.Parser
_TOKENIZER: Any = Dune.Tokenizer


class _Grammar(Dune):
    """sqlglot's Dune, but functions stay anonymous and subscripts stay as written."""

    INDEX_OFFSET = 0

    class Tokenizer(_TOKENIZER):  # type: ignore[misc]
        KEYWORDS: ClassVar[dict[str, Any]] = {
            word: token
            for word, token in Dune.Tokenizer.KEYWORDS.items()
            if word not in _FOREIGN_OPERATORS
        }

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
        TYPE_LITERAL_PARSERS: ClassVar[dict[Any, Any]] = {
            **Dune.Parser.TYPE_LITERAL_PARSERS,
            **dict.fromkeys(_LITERALS, lambda _, this, to: _literal(this, to)),
        }

        def _parse_bracket(self, this: Any = None) -> Any:
            if this is None and self._curr and self._curr.text == "[":
                self._advance()
                self.raise_error("Expected an expression")
            return super()._parse_bracket(this)


def _literal(this: Node, data_type: Node) -> Node:
    """Return a typed literal: a cast that says of itself that it is one."""
    cast = exp.Cast(this=this, to=data_type)
    cast.meta["literal"] = True
    return cast


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
    except TokenError:
        raise SqlError("mismatched input '<EOF>'", len(sql.rstrip())) from None
    except SqlglotError as error:
        raise SqlError(f"mismatched input: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise SqlError("the query is nested too deeply") from None
    queries = [tree for tree in trees if not isinstance(tree, exp.Semicolon)]
    if len(queries) != 1 or not isinstance(queries[0], exp.Query | exp.Values):
        raise SqlError("mismatched input. Expecting one query", offset=0)
    _check_names(queries[0])
    return queries[0]


def _check_names(tree: Node) -> None:
    """Make sure that no reserved word is used as a name without quotes."""
    for name in tree.find_all(exp.Identifier):
        if not name.args.get("quoted") and name.name.lower() in _RESERVED:
            raise SqlError(f"mismatched input '{name.name}'", name.meta.get("start"))


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
