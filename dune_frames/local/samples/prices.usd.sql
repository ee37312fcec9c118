SELECT
    moment(slot) AS minute,
    'ethereum' AS blockchain,
    address('token', token) AS contract_address,
    CAST(decimals AS INTEGER) AS decimals,
    symbol,
    CAST(price(base, spread, slot, token) AS DOUBLE) AS price
FROM range(6048) AS slots(slot), tokens
WHERE base IS NOT NULL
