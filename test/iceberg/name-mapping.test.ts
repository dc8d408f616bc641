/** Files that other programs wrote without field ids, and that were added to a table as they are. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { localIo, locationOf } from '../../src/iceberg/local-io.ts';
import type { NameMapping } from '../../src/iceberg/name-mapping.ts';
import { ParquetFileReader } from '../../src/iceberg/parquet-reader.ts';
import type { Cell, NestedField } from '../../src/iceberg/types.ts';

const optional = { required: false } as const;
const fields: readonly NestedField[] = [
  { id: 1, name: 'id', type: 'int', ...optional },
  {
    id: 2,
    name: 'place',
    type: {
      type: 'struct',
      fields: [
        { id: 3, name: 'city', type: 'string', ...optional },
        { id: 4, name: 'zip', type: 'int', ...optional },
      ],
    },
    ...optional,
  },
  {
    id: 5,
    name: 'visits',
    type: {
      type: 'list',
      'element-id': 6,
      element: { type: 'struct', fields: [{ id: 7, name: 'n', type: 'int', ...optional }] },
      'element-required': false,
    },
    ...optional,
  },
  {
    id: 8,
    name: 'tags',
    type: {
      type: 'map',
      'key-id': 9,
      key: 'string',
      'value-id': 10,
      value: { type: 'struct', fields: [{ id: 11, name: 'x', type: 'int', ...optional }] },
      'value-required': false,
    },
    ...optional,
  },
];
const top: NameMapping = fields.map(({ id, name }) => ({ 'field-id': id, names: [name] }));
const named = (id: number, name: string) => ({ 'field-id': id, names: [name] });
const whole: NameMapping = [
  named(1, 'id'),
  // The file has the older name.
  { ...named(2, 'place'), fields: [{ 'field-id': 3, names: ['city', 'town'] }, named(4, 'zip')] },
  { ...named(5, 'visits'), fields: [{ ...named(6, 'element'), fields: [named(7, 'n')] }] },
  { ...named(8, 'tags'), fields: [named(9, 'key'), { ...named(10, 'value'), fields: [named(11, 'x')] }] },
];

let folder: string;
let path: string;
let location: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-mapping-'));
  path = join(folder, 'added.parquet');
  location = locationOf(path);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT 7::INTEGER AS id, {'town': 'Jena', 'zip': 7743::INTEGER} AS place, [{'n': 1::INTEGER}, {'n': 2::INTEGER}] AS visits,
       MAP {'a': {'x': 5::INTEGER}} AS tags) TO '${path}' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(mapping: NameMapping | undefined, wanted = fields): Promise<Cell[]> {
  const reader = await ParquetFileReader.open(localIo(), location, statSync(path).size, mapping);
  const [group] = reader.rowGroups;
  if (!group) throw new Error('no rows');
  return (await reader.read(group, wanted)).map(([cell = null]) => cell);
}

test('are read by the names that the table knows, at every depth', async () => {
  expect(await read(whole)).toEqual([7, ['Jena', 7743], [[1], [2]], [['a', [5]]]]);
});

test.each(['place', 'visits', 'tags'])(
  'are not taken for empty where the parts of "%s" are not named',
  async (name) => {
    const wanted = fields.filter((field) => field.name === name);
    await expect(read(top, wanted)).rejects.toMatchObject({ code: 'DEST_FOREIGN' });
  },
);

test('are not taken for empty without names', async () => {
  expect(await read(top, fields.slice(0, 1))).toEqual([7]);
  await expect(read(undefined)).rejects.toMatchObject({
    code: 'DEST_FOREIGN',
    message: expect.stringContaining('schema.name-mapping.default') as string,
  });
});
