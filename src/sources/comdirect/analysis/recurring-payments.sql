-- Payments, in or out, of a similar amount at a steady period: rent, subscriptions, salary.
-- Parameters: $account_id, $from, $to; each may be NULL.
--
-- A series is what one mandate collects, whatever the amounts, or what goes to (comes from) one creditor id or one
-- name, in groups of similar amounts: a step of more than 15 % in the sorted amounts begins another group.
-- Its period is the one into which the median distance between its days falls, if three in four distances do.
WITH
bookings AS MATERIALIZED (
{{bookings}}
),
chosen AS (
  SELECT
    *,
    amount < 0 AS is_out,
    count(*) OVER (PARTITION BY account_id, currency, amount < 0, creditor_id, mandate_id) >= 3
      AND mandate_id IS NOT NULL AS by_mandate
  FROM bookings
  WHERE amount <> 0
    AND (is_named OR creditor_id IS NOT NULL)
    AND (CAST($from AS DATE) IS NULL OR booking_date >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR booking_date <= CAST($to AS DATE))
),
parties AS (
  SELECT
    *,
    CASE
      WHEN by_mandate THEN ['mandate', coalesce(creditor_id, ''), mandate_id]
      WHEN creditor_id IS NOT NULL THEN ['creditor', creditor_id]
      ELSE ['name', counterparty_key]
    END AS party
  FROM chosen
),
steps AS (
  SELECT
    *,
    CASE WHEN NOT by_mandate AND abs(amount) > CAST(1.15 AS DECIMAL(3, 2)) * lag(abs(amount)) OVER by_amount
      THEN 1 ELSE 0
    END AS step
  FROM parties
  WINDOW by_amount AS (PARTITION BY account_id, currency, is_out, party ORDER BY abs(amount), reference)
),
groups AS (
  SELECT
    *,
    count(*) OVER (PARTITION BY account_id, currency, is_out, party) AS party_bookings,
    sum(step) OVER (
      PARTITION BY account_id, currency, is_out, party ORDER BY abs(amount), reference
      ROWS UNBOUNDED PRECEDING
    ) AS amount_group
  FROM steps
),
distances AS (
  SELECT
    *,
    -- Several on one day count as one.
    nullif(booking_date - lag(booking_date) OVER (
      PARTITION BY account_id, currency, is_out, party, amount_group ORDER BY booking_date, reference
    ), 0) AS days
  FROM groups
),
series AS (
  SELECT
    account_id,
    currency,
    is_out,
    party,
    amount_group,
    arg_max(counterparty, (booking_date, reference)) AS counterparty,
    arg_max(creditor_id, (booking_date, reference)) AS creditor_id,
    CASE WHEN bool_and(by_mandate) THEN any_value(mandate_id) END AS mandate_id,
    bool_and(creditor_id IS NOT NULL) AND any_value(party_bookings) = count(*) AS is_sole_debit,
    count(*) AS bookings,
    count(DISTINCT booking_date) AS dates,
    min(booking_date) AS first_date,
    max(booking_date) AS last_date,
    arg_max(amount, (booking_date, reference)) AS last_amount,
    -- The discrete median: an amount that was really paid, exact.
    quantile_disc(amount, 0.5) AS typical_amount,
    quantile_disc(days, 0.5) AS median_days,
    list(days) FILTER (WHERE days IS NOT NULL) AS all_days
  FROM distances
  GROUP BY ALL
),
periods (period, shortest, longest, fewest, months, days, grace) AS (
  VALUES
    ('week', 6, 8, 4, 0, 7, 4),
    ('month', 25, 36, 3, 1, 0, 15),
    ('quarter', 82, 101, 3, 3, 0, 30),
    ('year', 350, 381, 3, 12, 0, 45)
),
found AS (
  SELECT
    *,
    CAST(last_date + to_months(periods.months) + to_days(periods.days) AS DATE) AS next_date
  FROM series
  JOIN periods
    ON median_days BETWEEN periods.shortest AND periods.longest
    -- Of yearly debits, two will do where there are no others: who collects with a creditor id is no passing shop.
    AND dates >= CASE WHEN period = 'year' AND is_sole_debit THEN 2 ELSE periods.fewest END
    AND 4 * len(list_filter(all_days, lambda d: d BETWEEN periods.shortest AND periods.longest)) >= 3 * len(all_days)
)
SELECT
  account_id,
  counterparty,
  creditor_id,
  mandate_id,
  currency,
  CASE WHEN is_out THEN 'out' ELSE 'in' END AS direction,
  period,
  CAST(bookings AS INTEGER) AS bookings,
  first_date,
  last_date,
  CAST(last_amount AS DECIMAL(38, 4)) AS last_amount,
  CAST(typical_amount AS DECIMAL(38, 4)) AS typical_amount,
  next_date,
  -- Long overdue by the newest booking of all: it has ended.
  next_date + CAST(grace AS INTEGER) >= (SELECT max(booking_date) FROM chosen) AS is_active
FROM found
ORDER BY is_active DESC, direction, abs(typical_amount) DESC, counterparty, account_id, currency, last_date, amount_group
