import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColumnNames, columnName } from '../../src/model/index.ts';
import type { Column } from '../../src/model/index.ts';

describe('columnName', () => {
  test.each([
    [['amount', 'value'], 'amount__value'],
    [['balanceEUR', 'unit'], 'balance_eur__unit'],
    [['availableCashAmountEUR'], 'available_cash_amount_eur'],
    [['HTTPServer'], 'http_server'],
    [['directDebitCreditorId'], 'direct_debit_creditor_id'],
    [['id2Name'], 'id2_name'],
    [['2fa'], '_2fa'],
    [['Straße'], 'straße'],
    [['a"; DROP TABLE t;--'], 'a_drop_table_t_'],
    [[''], '_'],
    [['__proto__'], 'x__proto__'],
    [['_plumbing_load_id'], 'x_plumbing_load_id'],
    [['a\0b'], 'a_b'],
  ])('turns %j into %s', (path, expected) => {
    expect(columnName(path)).toBe(expected);
  });

  test('is idempotent, bounded and free of characters that need care, for any field name', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1, maxLength: 4 }),
        (path) => {
          const name = columnName(path);
          expect(columnName([name])).toBe(name);
          expect(name.length).toBeLessThanOrEqual(100);
          expect(name).toMatch(/^[\p{L}\p{N}_]+$/u);
          expect(name).not.toMatch(/^_plumbing_|^__proto__/);
        },
      ),
    );
  });

  test('keeps long names that differ only at their ends apart', () => {
    const long = 'x'.repeat(10_000);
    expect(columnName([`${long}a`])).not.toBe(columnName([`${long}b`]));
  });
});

describe('ColumnNames', () => {
  test('gives every path of a table a name of its own, without regard to case', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { minLength: 1, maxLength: 3 }),
          {
            selector: (path) => JSON.stringify(path),
          },
        ),
        (paths) => {
          const names = new ColumnNames();
          const given = paths.map((path) => names.nameFor(path).toLowerCase());
          expect(new Set(given).size).toBe(paths.length);
        },
      ),
    );
  });

  test('keeps the names of earlier runs when twins arrive in another order', () => {
    const first = new ColumnNames();
    const id = first.nameFor(['id']);
    const twin = first.nameFor(['Id']);
    const stored: Column[] = [
      { name: id, type: 'int64', nullable: false, path: ['id'] },
      { name: twin, type: 'int64', nullable: true, path: ['Id'] },
    ];
    const second = new ColumnNames(stored);
    expect(second.nameFor(['Id'])).toBe(twin);
    expect(second.nameFor(['id'])).toBe(id);
  });

  test('never gives away the name of a bookkeeping column', () => {
    expect(new ColumnNames().nameFor(['_valid_from_ts'])).not.toBe('_valid_from_ts');
    expect(new ColumnNames().nameFor(['_inserted_at_day'])).not.toBe('_inserted_at_day');
  });
});
