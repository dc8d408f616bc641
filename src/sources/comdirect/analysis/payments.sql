-- Payments and their refunds. Included by other files, over their `bookings`.
-- Money that comes in is a refund when its sender has been paid at least as much before: a salary is none, even of
-- an employer whose canteen takes cards.
SELECT *, amount > 0 AS is_refund
FROM (
  SELECT
    *,
    sum(greatest(-amount, 0)) OVER (
      PARTITION BY counterparty_key, currency
      ORDER BY booking_date
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS paid_so_far
  FROM bookings
)
WHERE amount < 0 OR (amount > 0 AND is_named AND amount <= paid_so_far)
