-- Payments far outside the usual range of their counterparty or category, and first payments to a new counterparty.
-- Parameters: $account_id, $from, $to; each may be NULL; they choose what is shown, all bookings up to $to count for
-- what is usual. $threshold: in robust standard deviations. $first_above: amount. $learning_days: days from an account's
-- first booking on in which nobody is new. $rules: see categories.sql.
--
-- Usual is the median, and how much it varies the median absolute deviation (MAD) times 1.4826, which is the standard
-- deviation where amounts are spread normally; at least 5 % of the median and 1, so that a rent that was always the same
-- is not unusual by a cent. Medians are discrete: exact amounts that occurred.
WITH
bookings AS MATERIALIZED (
{{bookings}}
),
categories AS (
{{categories}}
),
payments AS MATERIALIZED (
  SELECT
    bookings.*,
    -amount AS paid,
    coalesce(categories.category, 'other') AS category,
    row_number() OVER (PARTITION BY counterparty_key ORDER BY booking_date, reference) = 1 AS is_first,
    booking_date - min(booking_date) OVER (PARTITION BY account_id) AS day_number
  FROM bookings
  LEFT JOIN categories USING (counterparty, remittance)
  WHERE CAST($to AS DATE) IS NULL OR booking_date <= CAST($to AS DATE)
),
outgoing AS MATERIALIZED (
  SELECT * FROM payments WHERE amount < 0
),
counterparty_medians AS (
  SELECT counterparty_key, currency, quantile_disc(paid, 0.5) AS median, count(*) AS known
  FROM outgoing
  GROUP BY ALL
  HAVING count(*) >= 6
),
counterparty_ranges AS (
  SELECT counterparty_key, currency, median, quantile_disc(abs(paid - median), 0.5) AS deviation
  FROM outgoing
  JOIN counterparty_medians USING (counterparty_key, currency)
  GROUP BY ALL
),
category_medians AS (
  SELECT category, currency, quantile_disc(paid, 0.5) AS median
  FROM outgoing
  -- What no rule matches has nothing in common.
  WHERE category <> 'other'
  GROUP BY ALL
  HAVING count(*) >= 12
),
category_ranges AS (
  SELECT category, currency, median, quantile_disc(abs(paid - median), 0.5) AS deviation
  FROM outgoing
  JOIN category_medians USING (category, currency)
  GROUP BY ALL
),
measured AS (
  SELECT
    outgoing.*,
    CASE
      WHEN counterparty_ranges.median IS NOT NULL THEN 'counterparty'
      WHEN category_ranges.median IS NOT NULL THEN 'category'
    END AS compared_with,
    coalesce(counterparty_ranges.median, category_ranges.median) AS median,
    -- A deviation is no amount of money: four digits of it are enough.
    CAST(greatest(
      coalesce(counterparty_ranges.deviation, category_ranges.deviation) * CAST(1.4826 AS DECIMAL(5, 4)),
      coalesce(counterparty_ranges.median, category_ranges.median) * CAST(0.05 AS DECIMAL(5, 4)),
      1
    ) AS DECIMAL(18, 4)) AS spread
  FROM outgoing
  LEFT JOIN counterparty_ranges USING (counterparty_key, currency)
  LEFT JOIN category_ranges USING (category, currency)
),
judged AS (
  SELECT
    *,
    CAST(abs(paid - median) AS DOUBLE) / CAST(spread AS DOUBLE) AS score,
    is_named AND is_first AND day_number >= CAST($learning_days AS INTEGER)
      AND paid >= CAST($first_above AS DECIMAL(15, 4)) AS is_new
  FROM measured
)
SELECT
  account_id,
  reference,
  booking_date,
  counterparty,
  category,
  currency,
  CAST(amount AS DECIMAL(38, 4)) AS amount,
  CASE WHEN score > CAST($threshold AS DOUBLE) THEN 'amount' ELSE 'new_counterparty' END AS reason,
  compared_with,
  CAST(-median AS DECIMAL(38, 4)) AS usual_amount,
  round(score, 1) AS score
FROM judged
WHERE (score > CAST($threshold AS DOUBLE) OR is_new)
  AND (CAST($from AS DATE) IS NULL OR booking_date >= CAST($from AS DATE))
ORDER BY booking_date DESC, abs(amount) DESC, account_id, reference
