SELECT
    moment(slot) AS block_time,
    CAST(24000000 + slot * 50 AS BIGINT) AS block_number,
    CAST(CASE
        WHEN draw('is call', i, 10) < 6 THEN CAST(0 AS HUGEINT)
        ELSE CAST(draw('value', i, 1000000000) AS HUGEINT) * draw('value scale', i, 5000000000)
    END AS BIGNUM) AS value,
    CAST(21000 + draw('gas limit', i, 500000) AS BIGINT) AS gas_limit,
    CAST(400000000 + draw('gas price', i, 6000000000) AS BIGINT) AS gas_price,
    CAST(21000 + draw('gas limit', i, 500000) * draw('gas share', i, 100) // 100 AS BIGINT) AS gas_used,
    CASE WHEN draw('type', i, 5) > 0 THEN CAST(9000000000 AS BIGINT) END AS max_fee_per_gas,
    CASE WHEN draw('type', i, 5) > 0 THEN CAST(draw('tip', i, 2000000000) AS BIGINT) END
        AS max_priority_fee_per_gas,
    CAST(draw('nonce', i, 5000) AS BIGINT) AS nonce,
    CAST(i // 6048 AS INTEGER) AS index,
    draw('success', i, 50) > 0 AS success,
    address('trader', draw('from', i, 900)) AS "from",
    CASE WHEN draw('creates', i, 200) > 0 THEN address('contract', draw('to', i, 60)) END AS "to",
    hash32('block', slot) AS block_hash,
    CASE
        WHEN draw('is call', i, 10) < 6 THEN from_hex('a9059cbb' || sha256('data/' || i))
        ELSE from_hex('')
    END AS data,
    hash32('transaction', i) AS hash,
    CASE WHEN draw('type', i, 5) > 0 THEN 'DynamicFee' ELSE 'Legacy' END AS type,
    CAST(moment(slot) AS DATE) AS block_date
FROM (SELECT i, i % 6048 AS slot FROM range(20000) AS numbers(i))
