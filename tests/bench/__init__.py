"""The benchmark: one result, served by the embedded Dune and read by several clients.

``python -m tests.bench`` from the root of the checkout runs it and prints its figures; see there for
what it takes. It needs the extras ``local`` and ``bench``.
"""
