/** Columns inside of columns: written here and read by others, and the other way round. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WorkingTable } from '../../../src/destinations/iceberg/working-table.ts';
import { applyUpdates } from '../../../src/iceberg/metadata-update.ts';
import { schemaOf, snapshotOf } from '../../../src/iceberg/metadata.ts';
import type { NewField } from '../../../src/iceberg/schema.ts';
import { TableScanner, planScan } from '../../../src/iceberg/scan.ts';
import { produceSnapshot } from '../../../src/iceberg/snapshot-producer.ts';
import type { Cell } from '../../../src/iceberg/types.ts';
import { Warehouse } from '../../destinations/iceberg/harness.ts';
import { catalogOf } from './agree.ts';
import { Readers } from './readers.ts';

let readers: Readers;
beforeAll(async () => {
  readers = await Readers.start();
}, 240_000);
afterAll(() => readers.close());

const list = (element: string) =>
  ({ type: 'list', 'element-id': 0, element, 'element-required': false }) as const;
const fields: NewField[] = [
  { name: 'id', type: 'long', required: true },
  {
    name: 'place',
    type: {
      type: 'struct',
      fields: [
        { id: 0, name: 'city', required: false, type: 'string' },
        { id: 0, name: 'at', required: false, type: 'decimal(9, 4)' },
        { id: 0, name: 'tags', required: false, type: list('string') },
      ],
    },
  },
  { name: 'numbers', type: list('long') },
  { name: 'days', type: list('date') },
  {
    name: 'names',
    type: { type: 'map', 'key-id': 0, key: 'int', 'value-id': 0, value: 'string', 'value-required': false },
  },
  {
    name: 'pairs',
    type: {
      type: 'list',
      'element-id': 0,
      'element-required': false,
      element: {
        type: 'struct',
        fields: [
          { id: 0, name: 'a', required: false, type: 'int' },
          { id: 0, name: 'b', required: false, type: 'timestamptz' },
        ],
      },
    },
  },
];

const rows: readonly (readonly Cell[])[] = [
  [
    1n,
    ['Köln', 12_345n, ['x', null, 'y']],
    [1n, null, -(2n ** 63n)],
    [0, -719_162],
    [
      [5, 'five'],
      [1, 'one'],
      [-1, null],
    ],
    [
      [1, 0n],
      [null, null],
    ],
  ],
  [2n, [null, null, []], [], [], [], []],
  [3n, null, null, null, null, null],
  [4n, ['', -1n, null], [7n], [null], [[0, '__proto__']], [null, [2, 1n]]],
];

const texts = [
  [
    '1',
    '["K\\u00f6ln", "1.2345", "[\\"x\\", null, \\"y\\"]"]',
    '["1", null, "-9223372036854775808"]',
    '["1970-01-01", "0001-01-01"]',
    '[["5", "five"], ["1", "one"], ["-1", null]]',
    '["[\\"1\\", \\"1970-01-01T00:00:00.000000Z\\"]", "[null, null]"]',
  ],
  ['2', '[null, null, "[]"]', '[]', '[]', '[]', '[]'],
  ['3', null, null, null, null, null],
  [
    '4',
    '["", "-0.0001", null]',
    '["7"]',
    '[null]',
    '[["0", "__proto__"]]',
    '[null, "[\\"2\\", \\"1970-01-01T00:00:00.000001Z\\"]"]',
  ],
];

test('structs, lists and maps, empty, null and inside of each other', async () => {
  using warehouse = new Warehouse();
  const house = await warehouse.house();
  const identifier = house.identifier('nested');
  const creation = house.creation('nested', fields, [], {});
  const metadata = applyUpdates(undefined, creation, Date.now());
  const work = new WorkingTable(house.io, house.manifests, metadata, undefined, house.filePolicy);
  for (const row of rows) await work.insert(row);
  const { snapshot } = await produceSnapshot(
    house.io,
    house.manifests,
    metadata,
    'main',
    await work.finish(),
  );
  const done = await house.catalog.commit([
    {
      identifier,
      base: undefined,
      requirements: [{ type: 'assert-create' }],
      updates: [
        // The same identity as that of the files.
        ...creation,
        { action: 'add-snapshot', snapshot },
        {
          action: 'set-snapshot-ref',
          'ref-name': 'main',
          type: 'branch',
          'snapshot-id': snapshot['snapshot-id'],
        },
      ],
    },
  ]);
  expect(done.outcome).toBe('committed');
  const loaded = await house.load('nested');
  if (!loaded) throw new Error('no table');
  const own: Cell[][] = [];
  const scanner = new TableScanner(house.io, loaded.metadata);
  for (const file of await planScan(house.manifests, loaded.metadata, snapshotOf(loaded.metadata))) {
    for await (const batch of scanner.read(file, schemaOf(loaded.metadata).fields)) {
      for (let i = 0; i < batch.rows; i++) own.push(batch.columns.map((cells) => cells[i] ?? null));
    }
  }
  await house.catalog.close();
  expect(own).toEqual(rows);
  expect((await readers.duckdbRows(loaded.metadataLocation)).rows).toEqual(texts);
  // PyIceberg 0.12 makes an empty list of a list of structs that is null; DuckDB does not.
  const theirs = texts.map((row) => (row[0] === '3' ? [...row.slice(0, 5), '[]'] : row));
  expect((await readers.pyicebergRows(catalogOf(warehouse), 'default.nested')).rows).toEqual(theirs);
});
