/** Cases 12 and 14-17: types, values and names. */
import { deepStrictEqual, rejects } from 'node:assert/strict';
import { ColumnNames } from '../../model/index.ts';
import type { LogicalType, Value } from '../../model/index.ts';
import { column, sameRows, tableWith } from './harness.ts';
import type { Place } from './harness.ts';

type Case = readonly [id: number, title: string, run: (place: Place) => Promise<void>];

const id = column('id', 'int64', false);

/** Values that must come back as they were sent. */
const exact: readonly (readonly [LogicalType, readonly Value[]])[] = [
  ['int64', [0, -1, 2 ** 53 - 1, -(2 ** 53 - 1), 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]],
  ['decimal(15,2)', ['0.00', '-0.01', '9999999999999.99', '-9999999999999.99', '0.10', '1.00']],
  [
    'decimal(38,9)',
    [
      '12345678901234567890123456789.123456789',
      '-0.000000001',
      '0.000000000',
      '99999999999999999999999999999.999999999',
    ],
  ],
  ['decimal(38,0)', ['99999999999999999999999999999999999999', '-1']],
  ['float64', [0.1, -1.5, 5e-324, 1.7976931348623157e308, 0, 3]],
  ['boolean', [true, false]],
  ['date', ['0001-01-01', '9999-12-31', '2024-02-29', '1969-12-31']],
  ['time', ['00:00:00', '23:59:59.999999']],
  [
    'timestamp',
    [
      '0001-01-01T00:00:00.000000Z',
      '9999-12-31T23:59:59.999999Z',
      '2026-03-29T01:00:00.000001Z',
      '2026-10-25T00:30:00.000000Z',
      '1969-12-31T23:59:59.999999Z',
    ],
  ],
  [
    'string',
    ['', ' ', 'ß€𝄞👩‍👩‍👧', "it's", '"quoted"', 'a\nb\r\n\tc', '12.50', 'NULL', 'x'.repeat(1_000_000), '\\', '%_'],
  ],
  ['uuid', ['0190e6c0-0000-7000-8000-000000000000']],
  ['json', [{ a: [1, { b: null }], 'ü"': '' }, [], {}, 'text', 1.5, true, [[]], { big: 2n ** 60n }]],
];

/** See the module's title. */
export const valueCases: readonly Case[] = [
  [
    12,
    'int64 widens to float64 and decimal, a decimal to a wider one; never the other way round',
    async (place) => {
      const steps: readonly (readonly [LogicalType, LogicalType, Value, Value])[] = [
        ['int64', 'float64', 7, 7],
        ['int64', 'decimal(21,2)', 7, '7.00'],
        ['decimal(10,2)', 'decimal(15,4)', '1.50', '1.5000'],
        ['decimal(15,2)', 'decimal(30,2)', '1234567890123.45', '1234567890123.45'],
        [
          'decimal(30,2)',
          'decimal(38,4)',
          '1234567890123456789012345678.45',
          '1234567890123456789012345678.4500',
        ],
        ['int64', 'string', 7, '7'],
      ];
      for (const [index, [from, to, sent, read]] of steps.entries()) {
        const name = `t${index}`;
        const table = (type: LogicalType) => tableWith([id, column('v', type)], { mode: 'append' }, [], name);
        await place.write(table(from), [
          [1, sent],
          [2, null],
        ]);
        await place.write(table(to), []);
        sameRows(await place.rows(name), [
          { id: 1, v: read },
          { id: 2, v: null },
        ]);
        await rejects(place.write(table(from), []), { code: 'SCHEMA_DRIFT' });
        sameRows(await place.rows(name), [
          { id: 1, v: read },
          { id: 2, v: null },
        ]);
      }
    },
  ],
  ...exact.map(([type, values]): Case => [
    type === 'string' || type === 'json' ? 15 : 14,
    `${type}: every value comes back as it was sent`,
    async (place) => {
      await place.write(
        tableWith([id, column('v', type)]),
        values.map((value, index) => [index, value]),
      );
      sameRows(
        await place.rows(),
        values.map((value, index) => ({ id: index, v: value })),
      );
    },
  ]),
  [
    14,
    'bytes come back as they were sent',
    async (place) => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      await place.write(tableWith([id, column('v', 'binary')]), [
        [1, bytes],
        [2, new Uint8Array()],
        // Without memory behind them, which some drivers take for NULL.
        [3, new Uint8Array(new ArrayBuffer(0))],
      ]);
      const read = (await place.rows()).map(({ v }) => (v instanceof Uint8Array ? [...v] : v));
      deepStrictEqual(read, [[...bytes], [], []]);
    },
  ],
  ...[Number.NaN, Infinity, -Infinity, -0].map((value): Case => [
    14,
    `float64 ${Object.is(value, -0) ? '-0' : value} comes back exactly, or is refused with a typed error`,
    async (place) => exactOrTyped(place, 'float64', value),
  ]),
  ...['a\0b', '\ud800'].map((value, index): Case => [
    15,
    `${index === 0 ? 'NUL inside a text' : 'half of a surrogate pair'} comes back exactly, or is refused with a typed error`,
    async (place) => exactOrTyped(place, 'string', value),
  ]),
  [
    16,
    'any field name gives a safe and stable column',
    async (place) => {
      const fields = [
        'select',
        'id',
        'Id',
        'a"; DROP TABLE t;--',
        "o'clock",
        '`x`',
        'a]b',
        '',
        '__proto__',
        'constructor',
        'x'.repeat(10_000),
        'ünï',
        'a b',
        '1st',
        'rowid',
      ];
      const names = new ColumnNames();
      const columns = fields.map((field) => ({
        ...column('', 'string'),
        name: names.nameFor([field]),
        path: [field],
      }));
      const rows = [fields.map((_, index) => String(index))];
      await place.write(tableWith(columns), rows);
      await place.write(tableWith(columns), rows);
      const expected = Object.fromEntries(columns.map(({ name }, index) => [name, String(index)]));
      sameRows(await place.rows(), [expected, expected]);
    },
  ],
  [
    16,
    'a table name that needs quotes is safe',
    async (place) => {
      const name = 'order "by"; --';
      await place.write(tableWith([id], { mode: 'append' }, [], name), [[1]]);
      sameRows(await place.rows(name), [{ id: 1 }]);
    },
  ],
  [
    17,
    'empty and nested arrays and objects stay as they are in a JSON column',
    async (place) => {
      const values: Value[] = [[], {}, [[], [1, [2]]], { a: {}, b: [{}] }];
      await place.write(
        tableWith([id, column('v', 'json')]),
        values.map((value, index) => [index, value]),
      );
      sameRows(
        await place.rows(),
        values.map((value, index) => ({ id: index, v: value })),
      );
    },
  ],
];

async function exactOrTyped(place: Place, type: LogicalType, value: Value): Promise<void> {
  try {
    await place.write(tableWith([id, column('v', type)]), [[1, value]]);
  } catch (error) {
    deepStrictEqual((error as { code?: string }).code, 'ROW_INVALID');
    sameRows(await place.rows(), []);
    return;
  }
  const read = (await place.rows())[0]?.['v'];
  // Equal as a number is enough for -0: some stores, SQLite among them, know one zero only.
  deepStrictEqual(value === 0 ? Math.abs(Number(read)) : read, value === 0 ? 0 : value);
}
