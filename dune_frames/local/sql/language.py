"""Language: all kinds of expressions put together."""

from __future__ import annotations

from dune_frames.local.sql.basics import Basics
from dune_frames.local.sql.calls import Calls
from dune_frames.local.sql.expressions import Expressions, Subqueries
from dune_frames.local.sql.jsons import Jsons
from dune_frames.local.sql.moments import Moments
from dune_frames.local.sql.parts import Parts
from dune_frames.local.sql.predicates import Predicates


def language(subqueries: Subqueries) -> tuple[Expressions, Calls]:
    """Return who translates expressions, and the calls among them, which windows need too."""
    expressions = Expressions(subqueries)
    moments, parts = Moments(expressions), Parts(expressions)
    calls = Calls(expressions, moments, parts)
    for one in (Basics(expressions, moments), Predicates(expressions), Jsons(expressions)):
        expressions.learn(one.rules)
    expressions.learn(parts.rules)
    expressions.learn(calls.rules)
    return expressions, calls
