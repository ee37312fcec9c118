"""Sample tables: generated, the same every time, in Dune's own names and types."""

from __future__ import annotations

import hashlib

import pytest

from dune_frames.local import samples

COLUMNS = {
    "ethereum.blocks": {"time": "timestamp(3) with time zone", "number": "bigint", "hash": "varbinary", "total_difficulty": "uint256"},
    "ethereum.transactions": {"block_time": "timestamp(3) with time zone", "value": "uint256", "from": "varbinary", "to": "varbinary", "success": "boolean", "index": "integer"},
    "dex.trades": {"blockchain": "varchar", "block_date": "date", "token_bought_amount_raw": "uint256", "amount_usd": "double", "maker": "varbinary", "evt_index": "bigint"},
    "tokens.transfers": {"amount_raw": "uint256", "trace_address": "array(bigint)", "symbol": "varchar"},
    "prices.usd": {"minute": "timestamp(3) with time zone", "decimals": "integer", "price": "double"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_sample_has_the_columns_that_dune_gives_it(ask, name):
    """Names and types are Dune's."""
    metadata = ask.run(f"SELECT * FROM {name} LIMIT 0")["result"]["metadata"]
    types = dict(zip(metadata["column_names"], metadata["column_types"], strict=True))
    assert COLUMNS[name].items() <= types.items()


def test_every_sample_is_offered():
    """The tests above know every sample."""
    assert sorted(samples.sample_names()) == sorted(COLUMNS)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_sample_is_the_same_when_it_is_generated_again(name):
    """Generation is deterministic: two runs give the same rows."""
    first = samples.sample(name).table
    again = samples.sample.__wrapped__(name).table
    assert first.equals(again)


def test_hashes_are_those_of_running_numbers():
    """Nothing happened: a transaction's hash is the SHA-256 of its number, as the documentation says."""
    result = samples.sample("ethereum.transactions")
    hashes = set(result.table.column(result.names.index("hash")).to_pylist())
    assert hashlib.sha256(b"transaction/0").digest() in hashes


def test_samples_have_what_tests_need(ask):
    """Several weeks and chains, nulls, and amounts beyond 128 bits; trades join transactions."""
    (row,) = ask.rows(
        "SELECT count(*), count(DISTINCT blockchain), date_diff('day', min(block_time), max(block_time)), "
        "count(*) - count(maker), count(*) - count(amount_usd), count(*) - count(token_pair) FROM dex.trades"
    )
    assert row[0] == 30000
    assert row[1] == 4
    assert row[2] >= 40
    assert min(row[3:]) > 100
    assert ask.rows(
        "SELECT max(amount_raw) > uint256 '340282366920938463463374607431768211456' FROM tokens.transfers"
    ) == [[True]]
    joined = ask.rows(
        "SELECT count(*) FROM dex.trades t JOIN ethereum.transactions x ON x.hash = t.tx_hash"
    )
    assert joined[0][0] > 10000


def test_trades_have_something_to_find(ask):
    """Afternoons and working days are busy, base grows, and a tenth of the traders has nearly half of the trades."""
    counts = (
        "SELECT count_if(hour(block_time) BETWEEN 12 AND 17), count_if(hour(block_time) < 6), "
        "count_if(day_of_week(block_time) = 1), count_if(day_of_week(block_time) = 7), "
        "count_if(blockchain = 'base' AND block_time > timestamp '2026-02-09 00:00:00 UTC'), "
        "count_if(blockchain = 'base' AND block_time < timestamp '2026-01-12 00:00:00 UTC') "
        "FROM dex.trades"
    )
    ((afternoon, night, monday, sunday, late, early),) = ask.rows(counts)
    assert afternoon > 2 * night
    assert monday > 1.2 * sunday
    assert late > 2 * early
    of_traders = ask.rows("SELECT count(*) FROM dex.trades GROUP BY taker ORDER BY 1 DESC")
    first_tenth = sum(count for (count,) in of_traders[: len(of_traders) // 10])
    assert 0.4 < first_tenth / 30_000 < 0.6


def test_the_first_query_of_the_documentation_gives_a_row_for_each_chain(ask):
    """The sum is that of generated data; its last digits depend on the order of adding."""
    rows = ask.rows(
        "SELECT blockchain, count(*) AS trades, sum(amount_usd) AS usd FROM dex.trades GROUP BY 1 ORDER BY 3 DESC"
    )
    assert [row[:2] for row in rows] == [
        ["ethereum", 12063],
        ["arbitrum", 7527],
        ["base", 5873],
        ["polygon", 4537],
    ]
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)


def test_the_tables_say_that_they_are_generated(dune, ask):
    """DuckDB's comment on the table says so too."""
    ask.rows("SELECT count(*) FROM prices.usd")
    with dune._api.engine._cursor() as cursor:
        found = cursor.sql(
            "SELECT comment FROM duckdb_tables() WHERE table_name = 'prices.usd'"
        ).fetchall()
    assert "Generated sample data" in found[0][0]
