"""Fuzzing of the embedded Dune: random SQL and random requests, and what must never come of them."""
