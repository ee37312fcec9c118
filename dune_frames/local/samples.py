"""Sample tables: generated data under the names and types of Dune's own, the same every time.

Nothing here happened on any chain. Hashes and addresses are SHA-256 of a running number, amounts
and prices are made of MD5 of one, and the six weeks from 5 January 2026 on are made up. A table is
generated when a query of this process first names it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from dune_frames._types import DuneType
from dune_frames.local.duckdb_types import dune_type
from dune_frames.local.relations import result_of

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames.local.results import Result

#: Seeded randomness in SQL, the same in every release of DuckDB: a number below a limit, bytes.
_MACROS = """
CREATE MACRO draw(label, i, below) AS
    CAST(md5_number_lower(label || '/' || i) % CAST(below AS UBIGINT) AS BIGINT);
CREATE MACRO share(label, i) AS draw(label, i, 1000000007) / 1000000007.0;
CREATE MACRO hash32(label, i) AS from_hex(sha256(label || '/' || i));
CREATE MACRO address(label, i) AS from_hex(sha256(label || '/' || i)[1:40]);
CREATE MACRO moment(seconds) AS
    timezone('UTC', TIMESTAMP '2026-01-05 00:00:00' + to_seconds(seconds));
CREATE MACRO price(base, spread, slot, i) AS
    base * (1 + spread * (abs(slot % 2016 - 1008) / 1008.0 - 0.5 + draw('noise/' || i, slot, 100) / 1e3));
"""

_SLOT_SECONDS, _SLOTS = 600, 6048
_TOKENS = """
    (VALUES (0, 'WETH', 18, 3150.0, 0.1), (1, 'USDC', 6, 1.0, 0.001), (2, 'USDT', 6, 1.0, 0.002),
            (3, 'WBTC', 8, 92500.0, 0.08), (4, 'DAI', 18, 1.0, 0.001), (5, 'UNI', 18, 6.2, 0.2),
            (6, NULL, 18, NULL, 0.0))
    AS tokens(token, symbol, decimals, base, spread)
"""
_CHAINS = """
    (VALUES (0, 'ethereum', 24000000, 40), (1, 'arbitrum', 415000000, 25),
            (2, 'base', 40000000, 20), (3, 'polygon', 81000000, 15))
    AS chains(chain, blockchain, first_block, weight)
"""


@dataclass(frozen=True, slots=True)
class _Sample:
    """One table.

    Attributes
    ----------
    name : str
        Its name.
    sql : str
        The query that makes it.
    reads : str or None
        The sample that it reads, which its query calls ``trades``.
    """

    name: str
    sql: str
    reads: str | None = None


_SAMPLES = (
    _Sample(
        "ethereum.blocks",
        f"""
        SELECT moment(slot * {_SLOT_SECONDS}) AS time,
            CAST(24000000 + slot * 50 AS BIGINT) AS number,
            CAST(300000000 + draw('base fee', slot, 4000000000) AS BIGINT) AS base_fee_per_gas,
            CAST(0 AS BIGINT) AS difficulty,
            CAST(60000000 AS BIGINT) AS gas_limit,
            CAST(12000000 + draw('gas used', slot, 40000000) AS BIGINT) AS gas_used,
            hash32('block', slot) AS hash,
            address('builder', draw('builder', slot, 25)) AS miner,
            from_hex('0000000000000000') AS nonce,
            hash32('block', slot - 1) AS parent_hash,
            CAST(60000 + draw('size', slot, 120000) AS BIGINT) AS size,
            CAST('58750003716598352816469' AS BIGNUM) AS total_difficulty,
            CAST(moment(slot * {_SLOT_SECONDS}) AS DATE) AS date
        FROM range({_SLOTS}) AS slots(slot)
        """,
    ),
    _Sample(
        "ethereum.transactions",
        f"""
        SELECT moment(slot * {_SLOT_SECONDS}) AS block_time,
            CAST(24000000 + slot * 50 AS BIGINT) AS block_number,
            CAST(CASE WHEN draw('is call', i, 10) < 6 THEN 0::HUGEINT
                ELSE draw('value', i, 1000000000)::HUGEINT * draw('value scale', i, 5000000000)
                END AS BIGNUM) AS value,
            CAST(21000 + draw('gas limit', i, 500000) AS BIGINT) AS gas_limit,
            CAST(400000000 + draw('gas price', i, 6000000000) AS BIGINT) AS gas_price,
            CAST(21000 + draw('gas limit', i, 500000) * draw('gas share', i, 100) // 100 AS BIGINT)
                AS gas_used,
            CASE WHEN draw('type', i, 5) > 0 THEN CAST(9000000000 AS BIGINT) END AS max_fee_per_gas,
            CASE WHEN draw('type', i, 5) > 0 THEN CAST(draw('tip', i, 2000000000) AS BIGINT) END
                AS max_priority_fee_per_gas,
            CAST(draw('nonce', i, 5000) AS BIGINT) AS nonce,
            CAST(i // {_SLOTS} AS INTEGER) AS index,
            draw('success', i, 50) > 0 AS success,
            address('trader', draw('from', i, 900)) AS "from",
            CASE WHEN draw('creates', i, 200) > 0 THEN address('contract', draw('to', i, 60)) END
                AS "to",
            hash32('block', slot) AS block_hash,
            CASE WHEN draw('is call', i, 10) < 6
                THEN from_hex('a9059cbb' || sha256('data/' || i)) ELSE from_hex('') END AS data,
            hash32('transaction', i) AS hash,
            CASE WHEN draw('type', i, 5) > 0 THEN 'DynamicFee' ELSE 'Legacy' END AS type,
            CAST(moment(slot * {_SLOT_SECONDS}) AS DATE) AS block_date
        FROM (SELECT i, i % {_SLOTS} AS slot FROM range(20000) AS numbers(i))
        """,
    ),
    _Sample(
        "prices.usd",
        f"""
        SELECT moment(slot * {_SLOT_SECONDS}) AS minute,
            'ethereum' AS blockchain,
            address('token', token) AS contract_address,
            CAST(decimals AS INTEGER) AS decimals,
            symbol,
            CAST(price(base, spread, slot, token) AS DOUBLE) AS price
        FROM range({_SLOTS}) AS slots(slot), {_TOKENS}
        WHERE base IS NOT NULL
        """,
    ),
    _Sample(
        "dex.trades",
        f"""
        WITH drawn AS (
            SELECT i, draw('slot', i, {_SLOTS}) AS slot, draw('seconds', i, {_SLOT_SECONDS}) AS second,
                draw('chain', i, 100) AS chance,
                draw('bought', i, 7) AS bought,
                (draw('bought', i, 7) + 1 + draw('sold', i, 6)) % 7 AS sold,
                power(10, 1 + 4 * share('size', i)) AS usd
            FROM range(30000) AS numbers(i)
        ), sized AS (
            SELECT d.*, b.symbol AS bought_symbol, s.symbol AS sold_symbol,
                coalesce(b.base, s.base) AS priced, b.base IS NULL OR s.base IS NULL AS unpriced,
                d.usd / price(coalesce(b.base, 1.0), b.spread, d.slot, d.bought) AS bought_amount,
                d.usd / price(coalesce(s.base, 1.0), s.spread, d.slot, d.sold) AS sold_amount,
                b.decimals AS bought_decimals, s.decimals AS sold_decimals
            FROM drawn AS d
            JOIN (SELECT * FROM {_TOKENS}) AS b ON b.token = d.bought
            JOIN (SELECT * FROM {_TOKENS}) AS s ON s.token = d.sold
        ), raw AS (
            SELECT *, CAST(floor(bought_amount * 1e6) AS HUGEINT)
                    * CAST(power(10, bought_decimals - 6) AS HUGEINT)
                    + draw('dust bought', i, 1000000) AS bought_raw,
                CAST(floor(sold_amount * 1e6) AS HUGEINT)
                    * CAST(power(10, sold_decimals - 6) AS HUGEINT)
                    + draw('dust sold', i, 1000000) AS sold_raw
            FROM sized
        )
        SELECT blockchain,
            ['uniswap', 'sushiswap', 'curve', 'balancer'][1 + draw('project', i, 10) // 3] AS project,
            CAST(1 + draw('version', i, 3) AS VARCHAR) AS version,
            date_trunc('month', moment(slot * {_SLOT_SECONDS} + second))::DATE AS block_month,
            moment(slot * {_SLOT_SECONDS} + second)::DATE AS block_date,
            moment(slot * {_SLOT_SECONDS} + second) AS block_time,
            CAST(first_block + slot * 50 + second // 12 AS BIGINT) AS block_number,
            bought_symbol AS token_bought_symbol,
            sold_symbol AS token_sold_symbol,
            CASE WHEN bought_symbol < sold_symbol THEN bought_symbol || '-' || sold_symbol
                ELSE sold_symbol || '-' || bought_symbol END AS token_pair,
            CAST(bought_raw / power(10, bought_decimals) AS DOUBLE) AS token_bought_amount,
            CAST(sold_raw / power(10, sold_decimals) AS DOUBLE) AS token_sold_amount,
            CAST(bought_raw AS BIGNUM) AS token_bought_amount_raw,
            CAST(sold_raw AS BIGNUM) AS token_sold_amount_raw,
            CASE WHEN NOT unpriced OR draw('priced', i, 3) > 0 THEN CAST(round(usd, 6) AS DOUBLE) END
                AS amount_usd,
            address('token', bought) AS token_bought_address,
            address('token', sold) AS token_sold_address,
            address('trader', draw('taker', i, 900)) AS taker,
            CASE WHEN draw('has maker', i, 4) = 0 THEN address('maker', draw('maker', i, 40)) END
                AS maker,
            address('pool', bought * 7 + sold) AS project_contract_address,
            CASE WHEN blockchain = 'ethereum' THEN hash32('transaction', i % 20000)
                ELSE hash32(blockchain, i) END AS tx_hash,
            address('trader', draw('taker', i, 900)) AS tx_from,
            address('contract', draw('router', i, 12)) AS tx_to,
            CAST(draw('event', i, 400) AS BIGINT) AS evt_index
        FROM raw JOIN (
            SELECT *, sum(weight) OVER (ORDER BY chain) AS upto FROM {_CHAINS}
        ) AS chains ON raw.chance < upto AND raw.chance >= upto - weight
        ORDER BY block_time, i
        """,
    ),
    _Sample(
        "tokens.transfers",
        """
        WITH legs AS (
            SELECT *, 0 AS leg, token_sold_address AS contract_address,
                token_sold_symbol AS symbol, token_sold_amount_raw AS amount_raw,
                token_sold_amount AS amount, tx_from AS "from", project_contract_address AS "to"
            FROM trades WHERE evt_index < 140
            UNION ALL
            SELECT *, 1 AS leg, token_bought_address, token_bought_symbol,
                token_bought_amount_raw, token_bought_amount, project_contract_address, tx_from
            FROM trades WHERE evt_index < 140
        )
        SELECT sha256('transfer/' || block_number || '/' || evt_index || '/' || leg || '/' || hex(tx_hash))
                AS unique_key,
            blockchain, block_month, block_date, block_time, block_number, tx_hash,
            CAST(evt_index * 2 + leg AS INTEGER) AS evt_index,
            CASE WHEN leg = 1 AND evt_index % 9 = 0
                THEN [CAST(evt_index % 5 AS BIGINT), CAST(evt_index % 3 AS BIGINT)] END AS trace_address,
            'erc20' AS token_standard, tx_from, tx_to,
            CAST(evt_index % 150 AS INTEGER) AS tx_index,
            "from", "to", contract_address, symbol,
            CAST(CASE WHEN symbol IS NULL AND evt_index % 20 = 0 THEN
                '115792089237316195423570985008687907853269984665640564039457584007913129639935'
                ELSE amount_raw END AS BIGNUM) AS amount_raw,
            CASE WHEN symbol IS NOT NULL THEN amount END AS amount,
            CASE WHEN symbol IS NOT NULL AND amount > 0 THEN amount_usd / amount END AS price_usd,
            CASE WHEN symbol IS NOT NULL THEN amount_usd END AS amount_usd
        FROM legs
        ORDER BY block_time, unique_key
        """,
        reads="dex.trades",
    ),
)

#: DuckDB has one type for both kinds of 256-bit integers; all of these are unsigned.
_UINT256 = DuneType("uint256")
_MILLISECONDS = (3,)
_BY_NAME = {sample.name: sample for sample in _SAMPLES}


def sample_names() -> list[str]:
    """Return the names of all sample tables."""
    return list(_BY_NAME)


@cache
def sample(name: str) -> Result:
    """Return the rows of a sample table.

    Parameters
    ----------
    name : str
        One of `sample_names`.
    """
    wanted = _BY_NAME[name]
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(_MACROS)
        if wanted.reads is not None:
            connection.register("trades", _named(sample(wanted.reads)))
        relation = connection.sql(wanted.sql)
        types = [_dune_type(column) for column in relation.types]
        return result_of(relation, relation.columns, types)


def _named(result: Result) -> pa.Table:
    return result.table.rename_columns(list(result.names))


def _dune_type(duckdb_type: object) -> DuneType:
    dune = dune_type(duckdb_type)
    if dune.name == "int256":
        return _UINT256
    return replace(dune, arguments=_MILLISECONDS) if dune.name.startswith("timestamp") else dune
