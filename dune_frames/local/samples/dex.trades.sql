WITH chances AS (
    SELECT i, draw('chain', i, 100) AS chance FROM range(30000) AS numbers(i)
),
numbered AS (
    SELECT * FROM chances JOIN chains ON chance >= chance_from AND chance < chance_to
),
drawn AS (
    SELECT
        *,
        -- A quiet moment is drawn anew, twice at most.
        coalesce(
            busy_or_null(drawn_slot('slot', i, growth), i),
            busy_or_null(drawn_slot('second slot', i, growth), i),
            drawn_slot('third slot', i, growth)
        ) AS slot,
        draw('seconds', i, 600) AS second,
        draw('bought', i, 7) AS bought,
        (draw('bought', i, 7) + 1 + draw('sold', i, 6)) % 7 AS sold,
        -- A few of the 900 trade much, most of them little.
        CAST(floor(900 * power(share('taker', i), 3)) AS BIGINT) AS trader,
        power(10, 1 + 4 * share('size', i)) AS usd
    FROM numbered
),
sized AS (
    SELECT
        d.*,
        b.symbol AS bought_symbol,
        s.symbol AS sold_symbol,
        b.base IS NULL OR s.base IS NULL AS unpriced,
        d.usd / price(coalesce(b.base, 1.0), b.spread, d.slot, d.bought) AS bought_amount,
        d.usd / price(coalesce(s.base, 1.0), s.spread, d.slot, d.sold) AS sold_amount,
        b.decimals AS bought_decimals,
        s.decimals AS sold_decimals
    FROM drawn AS d
    JOIN tokens AS b ON b.token = d.bought
    JOIN tokens AS s ON s.token = d.sold
),
raw AS (
    SELECT
        *,
        CAST(floor(bought_amount * 1e6) AS HUGEINT) * CAST(power(10, bought_decimals - 6) AS HUGEINT)
            + draw('dust bought', i, 1000000) AS bought_raw,
        CAST(floor(sold_amount * 1e6) AS HUGEINT) * CAST(power(10, sold_decimals - 6) AS HUGEINT)
            + draw('dust sold', i, 1000000) AS sold_raw
    FROM sized
)
SELECT
    blockchain,
    ['uniswap', 'sushiswap', 'curve', 'balancer'][1 + draw('project', i, 10) // 3] AS project,
    CAST(1 + draw('version', i, 3) AS VARCHAR) AS version,
    CAST(date_trunc('month', moment(slot, second)) AS DATE) AS block_month,
    CAST(moment(slot, second) AS DATE) AS block_date,
    moment(slot, second) AS block_time,
    CAST(first_block + slot * 50 + second // 12 AS BIGINT) AS block_number,
    bought_symbol AS token_bought_symbol,
    sold_symbol AS token_sold_symbol,
    CASE
        WHEN bought_symbol < sold_symbol THEN bought_symbol || '-' || sold_symbol
        ELSE sold_symbol || '-' || bought_symbol
    END AS token_pair,
    CAST(bought_raw / power(10, bought_decimals) AS DOUBLE) AS token_bought_amount,
    CAST(sold_raw / power(10, sold_decimals) AS DOUBLE) AS token_sold_amount,
    CAST(bought_raw AS BIGNUM) AS token_bought_amount_raw,
    CAST(sold_raw AS BIGNUM) AS token_sold_amount_raw,
    CASE WHEN NOT unpriced OR draw('priced', i, 3) > 0 THEN CAST(round(usd, 6) AS DOUBLE) END AS amount_usd,
    address('token', bought) AS token_bought_address,
    address('token', sold) AS token_sold_address,
    address('trader', trader) AS taker,
    CASE WHEN draw('has maker', i, 4) = 0 THEN address('maker', draw('maker', i, 40)) END AS maker,
    address('pool', bought * 7 + sold) AS project_contract_address,
    CASE WHEN blockchain = 'ethereum' THEN hash32('transaction', i % 20000) ELSE hash32(blockchain, i) END
        AS tx_hash,
    address('trader', trader) AS tx_from,
    address('contract', draw('router', i, 12)) AS tx_to,
    CAST(draw('event', i, 400) AS BIGINT) AS evt_index
FROM raw
ORDER BY block_time, i
