"""Seeds: the queries of the tests, to make others of."""

from __future__ import annotations


def seeds() -> list[str]:
    """Return every query that the tests of DuneSQL run."""
    import test_dunesql
    import test_functions
    import test_people_write

    return [
        *(f"SELECT {expression} AS x" for expression, _, _ in test_dunesql.EXPRESSIONS),
        *(sql for sql, _ in test_dunesql.QUERIES),
        *(sql for sql, *_ in test_dunesql.FAILURES),
        *(f"SELECT {expression} AS x" for expression, _, _ in test_functions.FUNCTIONS),
        *(f"SELECT {expression}" for expression, _ in test_functions.REFUSED),
        *(
            f"SELECT {selected} FROM {source}"
            for selected, source, _, _ in test_functions.AGGREGATES
        ),
        *(sql for sql, _, _ in test_people_write.PEOPLE),
    ]
