"""Predicates: what of a condition Dune's filters can say exactly, and what stays here."""
