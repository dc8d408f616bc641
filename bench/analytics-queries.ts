/** The questions of `bench/analytics.ts`. */

/** A question in the dialects that it needs, one answer in all of them. */
export interface Question {
  readonly name: string;
  /** Over the types that the library gives: DECIMAL and DATE. */
  readonly duck: string;
  /** Where amounts are doubles and dates are texts. */
  readonly text: string;
  /** Columns of money. Text with two digits, but for those that add up doubles. */
  readonly money: readonly string[];
}

const month = `date_trunc('month', booking_date)::DATE`;
const monthOfText = `substr(booking_date, 1, 7) || '-01'`;
const cents = (sum: string): string => `printf('%.2f', ${sum})`;

/** The dialects agree but in how a sum of money is written, and the month of a booking. */
function both(
  name: string,
  money: readonly string[],
  sql: (dialect: { money: (sum: string) => string; month: string }) => string,
): Question {
  return {
    name,
    money,
    duck: sql({ money: (sum) => sum, month }),
    text: sql({ money: cents, month: monthOfText }),
  };
}

/** Both columns of the whole table are read, and little is done with them: the rate of a scan. */
export const scan = both(
  'scan of two columns',
  ['total'],
  (d) => `SELECT ${d.money('sum(amount__value)')} AS total, max(booking_date) AS last FROM bank.transactions`,
);

export const questions: readonly Question[] = [
  both(
    'group by one column',
    ['total'],
    (d) => `SELECT transaction_type__key AS type, count(*) AS n, ${d.money('sum(amount__value)')} AS total
      FROM bank.transactions GROUP BY 1 ORDER BY 1`,
  ),
  both(
    'group by account, month',
    ['total'],
    (d) => `SELECT account_id, ${d.month} AS month, count(*) AS n, ${d.money('sum(amount__value)')} AS total
      FROM bank.transactions GROUP BY 1, 2 ORDER BY 1, 2`,
  ),
  both(
    'top 10',
    ['amount'],
    (d) => `SELECT reference, booking_date, ${d.money('amount__value')} AS amount
      FROM bank.transactions ORDER BY amount__value DESC, reference LIMIT 10`,
  ),
  both(
    'window, running balance',
    ['lowest'],
    (d) => `SELECT account_id, ${d.money('min(balance)')} AS lowest FROM (
        SELECT account_id, sum(amount__value) OVER (PARTITION BY account_id ORDER BY booking_date, reference) AS balance
        FROM bank.transactions) AS balances
      GROUP BY 1 ORDER BY 1`,
  ),
  both(
    'join of three files',
    ['total'],
    (d) => `SELECT kind, category, count(*) AS n, ${d.money('sum(amount__value)')} AS total
      FROM bank.transactions
      JOIN people.accounts USING (account_id)
      JOIN budget.categories ON counterparty = coalesce(remitter__holder_name, creditor__holder_name)
      GROUP BY 1, 2 ORDER BY 1, 2`,
  ),
];
