-- Payments and their refunds. Included by other files, over their `bookings`.
-- Money that comes in is a refund as long as its sender has been paid at least as much in all: a salary is none, even
-- of an employer whose canteen takes cards.
SELECT *, amount > 0 AS is_refund
FROM (
  SELECT
    *,
    sum(amount) OVER (
      PARTITION BY counterparty_key, currency
      ORDER BY booking_date
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS received_in_all
  FROM bookings
)
WHERE amount < 0 OR (amount > 0 AND is_named AND received_in_all <= 0)
