-- The balance of each account on each day, from its first snapshot to the newest snapshot of any account. A day without
-- a snapshot carries the one before it. Rows with account_id NULL: all accounts together, in EUR.
-- Parameters: $account_id, $from, $to; each may be NULL. $reconstruct: also the days before the first snapshot, from the
-- first booking of any account on, by taking the bookings back.
WITH
bookings AS MATERIALIZED (
{{bookings}}
),
snapshots AS MATERIALIZED (
  SELECT
    account_id,
    CAST(_inserted_at_day AS DATE) AS day,
    coalesce(nullif(trim(account_type__text), ''), 'Account')
      || coalesce(' …' || right(nullif(trim(account_display_id), ''), 4), '') AS account_name,
    CAST(balance__value AS DECIMAL(15, 4)) AS balance,
    coalesce(balance__unit, '') AS currency,
    CASE
      WHEN balance__unit = 'EUR' THEN CAST(balance__value AS DECIMAL(15, 4))
      WHEN balance_eur__unit = 'EUR' THEN CAST(balance_eur__value AS DECIMAL(15, 4))
    END AS balance_eur
  FROM {{schema}}.account_balances
  WHERE balance__value IS NOT NULL
    AND (CAST($account_id AS VARCHAR) IS NULL OR account_id = CAST($account_id AS VARCHAR))
),
-- A day after the newest snapshot would be a guess, also when $to is later. Snapshots after $to count only to work out the
-- days before the first of an account: then the others have to reach as far.
last_day AS (
  SELECT
    least(CAST($to AS DATE), max(day) FILTER (
      WHERE CAST($reconstruct AS BOOLEAN) OR CAST($to AS DATE) IS NULL OR day <= CAST($to AS DATE)
    )) AS day
  FROM snapshots
),
days AS (
  SELECT
    account_id,
    CAST(unnest(generate_series(min(day), (SELECT day FROM last_day), INTERVAL 1 DAY)) AS DATE) AS day
  FROM snapshots
  GROUP BY account_id
),
filled AS (
  SELECT
    days.day,
    days.account_id,
    snapshots.account_name,
    snapshots.currency,
    snapshots.balance,
    snapshots.balance_eur,
    CASE WHEN snapshots.day = days.day THEN 'snapshot' ELSE 'carried' END AS origin
  FROM days
  ASOF JOIN snapshots ON snapshots.account_id = days.account_id AND snapshots.day <= days.day
),
firsts AS (
  SELECT * FROM snapshots QUALIFY day = min(day) OVER (PARTITION BY account_id)
),
movements AS (
  SELECT account_id, currency, booking_date AS day, sum(amount) AS amount
  FROM bookings
  GROUP BY ALL
),
days_before AS (
  SELECT
    firsts.account_id,
    CAST(unnest(generate_series((SELECT min(day) FROM movements), firsts.day, INTERVAL 1 DAY)) AS DATE) AS day
  FROM firsts
  WHERE CAST($reconstruct AS BOOLEAN)
),
taken_back AS (
  SELECT
    days_before.day,
    firsts.* EXCLUDE (day, balance, balance_eur),
    days_before.day = firsts.day AS is_first,
    -- What was booked later, up to the snapshot, was not there yet.
    firsts.balance - coalesce(sum(movements.amount) OVER (
      PARTITION BY days_before.account_id ORDER BY days_before.day DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS balance
  FROM days_before
  JOIN firsts USING (account_id)
  LEFT JOIN movements
    ON movements.account_id = days_before.account_id
    AND movements.currency = firsts.currency
    AND movements.day = days_before.day
),
history AS MATERIALIZED (
  SELECT * FROM filled
  UNION ALL BY NAME
  SELECT
    * EXCLUDE (is_first),
    -- Rates of the past are not known.
    CASE WHEN currency = 'EUR' THEN balance END AS balance_eur,
    'bookings' AS origin
  FROM taken_back
  WHERE NOT is_first
),
chosen AS (
  SELECT *
  FROM history
  WHERE (CAST($from AS DATE) IS NULL OR day >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR day <= CAST($to AS DATE))
),
total AS (
  SELECT
    day,
    sum(balance_eur) AS balance,
    CASE
      WHEN bool_or(origin = 'bookings') THEN 'bookings'
      WHEN bool_or(origin = 'carried') THEN 'carried'
      ELSE 'snapshot'
    END AS origin
  FROM chosen
  GROUP BY day
  -- An account that has no value in EUR makes the sum unknown, not smaller.
  HAVING count(balance_eur) = count(*)
)
SELECT
  day,
  account_id,
  account_name,
  currency,
  CAST(balance AS DECIMAL(38, 4)) AS balance,
  CAST(balance_eur AS DECIMAL(38, 4)) AS balance_eur,
  origin
FROM chosen
UNION ALL
SELECT
  day,
  NULL,
  'All accounts',
  'EUR',
  CAST(balance AS DECIMAL(38, 4)),
  CAST(balance AS DECIMAL(38, 4)),
  origin
FROM total
ORDER BY account_id NULLS FIRST, day
