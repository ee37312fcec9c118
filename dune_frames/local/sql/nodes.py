"""Nodes of sqlglot's tree, under one name for the type checker."""

from typing import TypeAlias

from sqlglot import exp

#: Every node is one. Releases of sqlglot differ in what they call the root of the classes.
Node: TypeAlias = exp.Expr
