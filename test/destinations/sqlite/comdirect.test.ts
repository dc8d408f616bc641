/** The named writers, called by hand. That they agree with the pipeline is shown by test/original-faults.test.ts. */
import { beforeEach, describe, expect, test } from 'vitest';
import {
  readRows,
  writeAccountBalances,
  writeAccountTransactionsBooked,
  writeAccountTransactionsNotBooked,
} from '../../../src/destinations/sqlite/index.ts';
import { accountBalancesTable } from '../../../src/sources/comdirect/index.ts';
import { useDatabase } from './harness.ts';

const database = useDatabase();
let path: string;
beforeEach(() => {
  path = database().path;
});

const balance = (accountId: string, value: string): object => ({
  account: { accountId, iban: null, accountType: { key: 'CA', text: 'Girokonto' } },
  accountId,
  balance: { value, unit: 'EUR' },
});
const booking = (reference: string, value: string): object => ({
  reference,
  bookingStatus: 'BOOKED',
  bookingDate: '2026-11-20',
  amount: { value, unit: 'EUR' },
  remittanceInfo: '01Rent                               ',
});
const pending = (value: string): object => ({
  bookingStatus: 'NOTBOOKED',
  amount: { value, unit: 'EUR' },
});
const at = (time: string) => ({ now: () => new Date(time) });
const read = async (table: string, ...columns: string[]): Promise<unknown[][]> => {
  const rows = await Array.fromAsync(readRows(path, table, { columns }));
  return rows.map((row) => Object.values(row)).toSorted();
};

describe('balances', () => {
  test('are kept once an account and day of the bank, which begins at midnight in Berlin', async () => {
    const both = [balance('A', '1'), balance('B', '5')];
    expect(await writeAccountBalances(path, both, at('2026-11-22T22:59:00Z'))).toMatchObject({ inserted: 2 });
    await writeAccountBalances(path, [balance('A', '2')], at('2026-11-22T23:01:00Z'));
    expect(await writeAccountBalances(path, [balance('A', '3.5')], at('2026-11-23T10:00:00Z'))).toMatchObject(
      {
        inserted: 1,
        deleted: 1,
      },
    );
    expect(await read('account_balances', 'account_id', '_inserted_at_day', 'balance__value')).toEqual([
      ['A', '2026-11-22', '1.0000'],
      ['A', '2026-11-23', '3.5000'],
      ['B', '2026-11-22', '5.0000'],
    ]);
  });

  test('come back typed by the table of the source', async () => {
    await writeAccountBalances(path, [balance('A', '1')]);
    for await (const row of readRows(path, accountBalancesTable)) {
      const value: string = row.balance__value;
      expect([value, row.account_type__text]).toEqual(['1.0000', 'Girokonto']);
    }
    expect.assertions(1);
  });

  test('that do not fit write nothing at all; the error names row and field', async () => {
    const rows = [balance('A', '1'), balance('B', 'canary')];
    await expect(writeAccountBalances(path, rows)).rejects.toMatchObject({
      code: 'ROW_INVALID',
      message: expect.stringMatching(
        /^account_balances, row 1: balance\.value: .*; nothing was written$/,
      ) as string,
    });
    await expect(writeAccountBalances(path, rows)).rejects.toMatchObject({
      message: expect.not.stringContaining('canary') as string,
    });
    await expect(read('account_balances', 'account_id')).rejects.toMatchObject({ code: 'DEST_FAILED' });
  });
});

describe('booked transactions', () => {
  test('are merged by account and reference', async () => {
    await writeAccountTransactionsBooked(path, 'A', [booking('1', '-1'), booking('2', '-2')]);
    await writeAccountTransactionsBooked(path, 'B', [booking('1', '-9')]);
    const counts = await writeAccountTransactionsBooked(path, 'A', [
      booking('1', '-1'),
      booking('2', '-2.5'),
    ]);
    expect(counts).toMatchObject({ inserted: 0, updated: 1, unchanged: 1, deleted: 0 });
    expect(
      await read(
        'account_transactions__booked',
        'account_id',
        'reference',
        'amount__value',
        'remittance_info',
      ),
    ).toEqual([
      ['A', '1', '-1.0000', 'Rent'],
      ['A', '2', '-2.5000', 'Rent'],
      ['B', '1', '-9.0000', 'Rent'],
    ]);
  });
});

test('fields that the bank has added stay, and become columns', async () => {
  const table = 'account_transactions__booked';
  await writeAccountTransactionsBooked(path, 'A', [{ ...booking('1', '-1'), newField: 'x' }]);
  expect(await read(table, 'reference', 'new_field')).toEqual([['1', 'x']]);
  expect(
    await writeAccountTransactionsBooked(path, 'A', [{ ...booking('1', '-1'), newField: 'x' }]),
  ).toMatchObject({ updated: 0, unchanged: 1 });
});

describe('pending transactions', () => {
  const values = () => read('account_transactions__not_booked', 'account_id', 'amount__value');

  test('take the place of all pending ones of their account; none empties it', async () => {
    await writeAccountTransactionsNotBooked(path, 'A', [pending('1'), pending('1'), pending('2')]);
    await writeAccountTransactionsNotBooked(path, 'B', [pending('1')]);
    expect(await values()).toEqual([
      ['A', '1.0000'],
      ['A', '1.0000'],
      ['A', '2.0000'],
      ['B', '1.0000'],
    ]);
    expect(await writeAccountTransactionsNotBooked(path, 'A', [])).toMatchObject({ deleted: 3 });
    expect(await values()).toEqual([['B', '1.0000']]);
  });
});

test('a writer that is aborted or fails lets go of the database, and notes the failure', async () => {
  await expect(
    writeAccountBalances(path, [balance('A', '1')], { signal: AbortSignal.abort('no') }),
  ).rejects.toBe('no');
  await writeAccountBalances(path, [balance('A', '1')]);
  database().exec(
    "CREATE TRIGGER fault BEFORE INSERT ON account_balances BEGIN SELECT RAISE(ABORT, 'fault'); END",
  );
  await expect(writeAccountBalances(path, [balance('B', '1')])).rejects.toMatchObject({
    code: 'DEST_FAILED',
  });
  database().exec('DROP TRIGGER fault');
  await writeAccountBalances(path, [balance('B', '2')]);
  expect(database().sql('SELECT pipeline, status, error IS NULL AS fine FROM _plumbing_loads')).toEqual([
    { pipeline: 'comdirect', status: 'succeeded', fine: 1 },
    { pipeline: 'comdirect', status: 'failed', fine: 0 },
    { pipeline: 'comdirect', status: 'succeeded', fine: 1 },
  ]);
});
