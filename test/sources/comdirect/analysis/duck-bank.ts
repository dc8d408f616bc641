/** The bank's tables in a DuckDB in memory, typed as the analyses expect them. */
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBValue } from '@duckdb/node-api';
import { onTestFinished } from 'vitest';
import { compileSchema } from '../../../../src/model/index.ts';
import type { LogicalType } from '../../../../src/model/index.ts';
import {
  accountBalancesSchema,
  accountTransactionsBookedSchema,
} from '../../../../src/sources/comdirect/index.ts';
import type { SqlRunner } from '../../../../src/sources/comdirect/analysis/index.ts';

type Row = Readonly<Record<string, unknown>>;

/** What a bank of a test holds. */
export interface BankRows {
  readonly booked?: readonly Row[];
  readonly balances?: readonly Row[];
}

/** Opens a bank for the running test. */
export async function duckBank(
  { booked = [], balances = [] }: BankRows,
  schema = 'bank',
): Promise<SqlRunner> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  const name = `"${schema.replaceAll('"', '""')}"`;
  await connection.run(`CREATE SCHEMA ${name}`);
  const tables = [
    ['account_balances', accountBalancesSchema, balances],
    ['account_transactions__booked', accountTransactionsBookedSchema, booked],
  ] as const;
  for (const [table, rowSchema, rows] of tables) {
    const columns = compileSchema(rowSchema).columns.map(
      ({ name: column, type }) => [column, sqlType(type)] as const,
    );
    const all = [...columns, ['_inserted_at_day', 'DATE'] as const];
    await connection.run(
      `CREATE TABLE ${name}.${table} (${all.map(([column, type]) => `"${column}" ${type}`).join(', ')})`,
    );
    const shape = JSON.stringify([Object.fromEntries(all)]);
    await connection.run(
      `INSERT INTO ${name}.${table} BY NAME
       SELECT unnest(from_json(CAST($rows AS JSON), '${shape}'), max_depth := 2)`,
      { rows: JSON.stringify(rows) },
    );
  }
  return {
    query: (sql, params = {}) => ({
      all: async () => {
        const reader = await connection.runAndReadAll(sql, params as Record<string, DuckDBValue>);
        return reader.getRowObjectsJson();
      },
    }),
  };
}

function sqlType(type: LogicalType): string {
  if (type.startsWith('decimal')) return type.toUpperCase();
  return { date: 'DATE', json: 'JSON', boolean: 'BOOLEAN' }[type as string] ?? 'VARCHAR';
}

let bookings = 0;

/** A booking of the account `giro` in EUR: `name` is who pays or is paid. */
export function booking(
  day: string,
  amount: string,
  name: string | null,
  more: Row = {},
): Record<string, unknown> {
  const party = amount.startsWith('-') ? 'creditor__holder_name' : 'remitter__holder_name';
  return {
    account_id: 'giro',
    reference: `R${String(++bookings).padStart(6, '0')}`,
    booking_status: 'BOOKED',
    booking_date: day,
    amount__value: amount,
    amount__unit: 'EUR',
    [party]: name,
    ...more,
  };
}

/** A snapshot of an account in EUR. */
export function snapshot(account: string, day: string, balance: string, more: Row = {}): Row {
  return {
    account_id: account,
    account_display_id: `990000${account.length}123`,
    account_type__text: 'Girokonto',
    balance__value: balance,
    balance__unit: 'EUR',
    balance_eur__value: balance,
    balance_eur__unit: 'EUR',
    _inserted_at_day: day,
    ...more,
  };
}
