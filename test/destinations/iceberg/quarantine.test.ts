/** Rows in quarantine, and what later loads bring of their keys. */
import { expect, test } from 'vitest';
import { IcebergSession } from '../../../src/destinations/iceberg/session.ts';
import { quarantineDefinition } from '../../../src/destinations/iceberg/quarantine-table.ts';
import { TableLoad } from '../../../src/destinations/iceberg/table-load.ts';
import { mainBranch } from '../../../src/iceberg/metadata.ts';
import type { Load, LoadInfo, StoredQuarantinedRow } from '../../../src/model/index.ts';
import { createLoadId } from '../../../src/model/load-id.ts';
import { Warehouse, tableOf } from './harness.ts';

const table = tableOf({ note: 'string' });
const startedAt = '2026-11-23T07:00:00.000000Z';
const infoOf = (more: Partial<LoadInfo> = {}): LoadInfo => ({
  loadId: createLoadId(new Date()),
  pipeline: 'test',
  startedAt,
  day: '2026-11-23',
  staged: false,
  signal: new AbortController().signal,
  tables: [table],
  ...more,
});

async function loading(warehouse: Warehouse, work: (load: Load) => Promise<void>): Promise<void> {
  const session = new IcebergSession(await warehouse.house(), false);
  try {
    const load = await session.begin(infoOf());
    await work(load);
    await load.finishTable('t', []);
    await load.publish();
  } finally {
    await session.close();
  }
}

async function waiting(warehouse: Warehouse): Promise<StoredQuarantinedRow[]> {
  const session = new IcebergSession(await warehouse.house(), true);
  try {
    return await Array.fromAsync(session.reader.quarantined('t'));
  } finally {
    await session.close();
  }
}

test('a later load notes which of them it has brought, and no rows of its own', async () => {
  using warehouse = new Warehouse();
  const bad = (id: unknown, n: number) => ({ index: n, reason: 'r', raw: { id, n } });
  await loading(warehouse, async (load) => {
    await load.quarantine('t', [bad(1, 0), bad(2, 1), bad('x', 2), bad(null, 3)]);
    await load.checkpoint([]);
    await load.write('t', [[1, 'a']]);
  });
  expect((await waiting(warehouse)).map(({ key, isSuperseded }) => [key, isSuperseded])).toEqual([
    ['["1"]', false],
    ['["2"]', false],
    ['["x"]', false],
    [undefined, false],
  ]);
  await loading(warehouse, async (load) => {
    await load.write('t', [
      [1, 'a'],
      [3, 'c'],
    ]);
    await load.checkpoint([]);
    await load.quarantine('t', [bad(2, 9)]);
    await load.write('t', [[2, 'b']]);
  });
  expect(
    (await waiting(warehouse)).map(({ index, key, isSuperseded }) => [index, key, isSuperseded]),
  ).toEqual([
    [0, '["1"]', true],
    [1, '["2"]', true],
    [2, '["x"]', false],
    [3, undefined, false],
    [9, '["2"]', false],
  ]);
});

test('the table of an earlier version goes on: its rows come first, and their keys are not known', async () => {
  using warehouse = new Warehouse();
  const house = await warehouse.house();
  const old = { ...quarantineDefinition, columns: quarantineDefinition.columns.slice(0, 7) };
  const rows = await TableLoad.open(house, infoOf(), old, 'bookkeeping');
  rows.write([[1, 't', 0, 'r', '{"id":1}', 'l', '2030-01-01T00:00:00.000000Z']], []);
  const context = { token: 'x', branch: mainBranch, state: [], now: startedAt };
  const { commit } = await rows.prepare(undefined, context);
  await house.catalog.commit(commit ? [commit] : []);
  await house.catalog.close();
  expect(await waiting(warehouse)).toMatchObject([{ id: 1, loadId: 'l', isSuperseded: false }]);
  await loading(warehouse, (load) => load.write('t', [[1, 'a']]));
  await loading(warehouse, (load) => load.quarantine('t', [{ index: 0, reason: 'r', raw: { id: 1, n: 1 } }]));
  await loading(warehouse, (load) => load.write('t', [[1, 'a']]));
  expect((await waiting(warehouse)).map(({ raw, key, isSuperseded }) => [raw, key, isSuperseded])).toEqual([
    [{ id: 1 }, undefined, false],
    [{ id: 1, n: 1 }, '["1"]', true],
  ]);
});
