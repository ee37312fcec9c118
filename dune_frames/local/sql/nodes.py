"""Nodes of sqlglot's tree, under one name: releases differ in what they call the root of them."""

from typing import TYPE_CHECKING, TypeAlias

from sqlglot import exp

if TYPE_CHECKING:
    Node: TypeAlias = exp.Expr
else:
    Node = getattr(exp, "Expr", exp.Expression)
