/** Replayed rows and the rows of other loads with the same key: the one that the source gave last stays. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64, rowCount } from '../../src/model/index.ts';
import type { Destination, Source } from '../../src/model/index.ts';
import { replayQuarantine, run, undoLoad } from '../../src/pipeline/index.ts';
import type { Pipeline, ReplayReport, RunReport } from '../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-replay-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const short = z.string().max(3);
const long = z.string();
const at = (hour: number) => ({ now: () => new Date(Date.UTC(2026, 0, 1, hour)) });
const sourceOf = (v: z.ZodType, rows: readonly unknown[]): Source =>
  defineSource({
    name: 'test',
    streams: [
      defineStream({
        name: 't',
        schema: z.object({ id: int64(), v }),
        primaryKey: ['id'],
        async *read() {
          yield rows;
        },
      }),
    ],
  });
const place: Record<string, () => Destination> = {
  sqlite: () => sqlite({ path: join(folder, 'test.db'), undoLoads: 10 }),
  iceberg: () => iceberg({ warehouse: join(folder, 'warehouse') }),
};

describe.each(Object.keys(place))('%s', (kind) => {
  const pipelineOf = (v: z.ZodType, rows: readonly unknown[], more: Partial<Pipeline> = {}): Pipeline => ({
    source: sourceOf(v, rows),
    destination: place[kind]?.() as Destination,
    ...more,
  });
  let hour = 0;
  beforeEach(() => {
    hour = 0;
  });
  const load = (v: unknown, schema: z.ZodType = short, time = ++hour): Promise<RunReport> =>
    run(pipelineOf(schema, [{ id: 1, v }]), at(time));
  const replay = async (schema: z.ZodType = long, time = ++hour): Promise<ReplayReport | undefined> =>
    (await replayQuarantine(pipelineOf(schema, []), at(time)))[0];
  const stored = async (): Promise<unknown[]> => {
    const session = await pipelineOf(long, []).destination.open({ readOnly: true });
    try {
      const rows = await Array.fromAsync(session.reader.readRows('t', { orderBy: ['id'] }));
      return rows.map((row) => row['v']);
    } finally {
      await session.close();
    }
  };

  test('two rows of one key, more rows apart than a commit holds: the newer one stays', async () => {
    await load('long1');
    const between = Array.from({ length: 1_000 }, (_, i) => ({ id: i + 2, v: 'other' }));
    await run(pipelineOf(short, [...between, { id: 1, v: 'long2' }]), at(++hour));
    expect(await replay()).toMatchObject({ replayed: 1_002, superseded: 0, remaining: 0 });
    expect((await stored())[0]).toBe('long2');
  });

  test('a later load that finds the row unchanged has brought it all the same', async () => {
    await load('a');
    await load('long');
    expect((await load('a')).streams).toMatchObject([{ unchanged: 1 }]);
    expect(await replay()).toMatchObject({ replayed: 0, superseded: 1, remaining: 0 });
    expect(await stored()).toEqual(['a']);
  });

  test('so has one whose rows are checked before they are published, and not one whose checks fail', async () => {
    await load('a');
    await load('long');
    const checked = (rows: number): Pipeline =>
      pipelineOf(short, [{ id: 1, v: 'a' }], { checks: [rowCount('t', { min: rows, max: rows })] });
    expect(await run(checked(7), at(++hour))).toMatchObject({ status: 'checks_failed' });
    const waits = await waiting();
    expect(waits).toMatchObject([{ isSuperseded: false }]);
    expect(await run(checked(1), at(++hour))).toMatchObject({ status: 'succeeded' });
    expect(await replay()).toMatchObject({ replayed: 0, superseded: 1 });
    expect(await stored()).toEqual(['a']);
  });

  const waiting = async () => {
    const session = await pipelineOf(long, []).destination.open({ readOnly: true });
    try {
      return await Array.fromAsync(session.reader.quarantined('t'));
    } finally {
      await session.close();
    }
  };

  test('a row that comes into quarantine again is newer than the rows that came meanwhile', async () => {
    await load('long1');
    await load('long2');
    await load('long1');
    expect(await replay()).toMatchObject({ replayed: 2 });
    expect(await stored()).toEqual(['long1']);
  });

  test('also than the good row that came meanwhile', async () => {
    await load('long');
    await load('a');
    await load('long');
    expect(await replay()).toMatchObject({ replayed: 1, superseded: 0 });
    expect(await stored()).toEqual(['long']);
  });

  test('a clock that was set back changes nothing: a good row that came later stays', async () => {
    await load('long', short, 12);
    await load('new', short, 11);
    expect(await replay(long, 13)).toMatchObject({ replayed: 0, superseded: 1 });
    expect(await stored()).toEqual(['new']);
  });

  test('a clock that was set back changes nothing: a bad row that came later is stored', async () => {
    await load('old', short, 12);
    await load('long1', short, 11);
    await load('long2', short, 10);
    expect(await replay(long, 9)).toMatchObject({ replayed: 2, superseded: 0 });
    expect(await stored()).toEqual(['long2']);
  });

  test('an older row that fits only later does not take the place of the newer one that was replayed', async () => {
    await load(7);
    await load('long');
    expect(await replay()).toMatchObject({ replayed: 1, superseded: 1, remaining: 0 });
    expect(await replay(z.coerce.string())).toMatchObject({ replayed: 0 });
    expect(await stored()).toEqual(['long']);
  });

  test('a newer row that fits only later takes the place of the older one', async () => {
    await load('long');
    await load(7);
    expect(await replay()).toMatchObject({ replayed: 1, superseded: 0, remaining: 1 });
    expect(await replay(z.coerce.string())).toMatchObject({ replayed: 1 });
    expect(await stored()).toEqual(['7']);
  });

  test('rows that a replay dropped are superseded still when it is taken back', async () => {
    await load('a');
    await load('long');
    await load('a');
    const { destination } = pipelineOf(long, []);
    expect(await replay()).toMatchObject({ superseded: 1 });
    const session = await destination.open({ readOnly: true });
    const [latest] = (await session.reader.status()).loads;
    await session.close();
    await undoLoad(destination, latest?.loadId as string);
    expect(await waiting()).toMatchObject([{ isSuperseded: true }]);
    expect(await replay()).toMatchObject({ superseded: 1 });
    expect(await stored()).toEqual(['a']);
  });

  test('a row waits again when the load that superseded it is taken back', async () => {
    await load('long');
    const { loadId } = await load('a');
    expect(await waiting()).toMatchObject([{ isSuperseded: true }]);
    await undoLoad(pipelineOf(long, []).destination, loadId);
    expect(await stored()).toEqual([]);
    expect(await waiting()).toMatchObject([{ isSuperseded: false }]);
    expect(await replay()).toMatchObject({ replayed: 1, superseded: 0 });
    expect(await stored()).toEqual(['long']);
  });

  test('a key of which the schema makes another value is compared by load', async () => {
    const trimmed = (v: z.ZodType, rows: readonly unknown[]): Pipeline => ({
      ...pipelineOf(v, []),
      source: defineSource({
        name: 'test',
        streams: [
          defineStream({
            name: 't',
            schema: z.object({ id: z.string().trim(), v }),
            primaryKey: ['id'],
            async *read() {
              yield rows;
            },
          }),
        ],
      }),
    });
    await run(trimmed(short, [{ id: ' a', v: 'long' }]), at(1));
    await run(trimmed(short, [{ id: 'b', v: 'long' }]), at(2));
    await run(trimmed(short, [{ id: ' a ', v: 'new' }]), at(3));
    expect(await replayQuarantine(trimmed(long, []), at(4))).toMatchObject([{ replayed: 1, superseded: 1 }]);
    expect(await stored()).toEqual(['new', 'long']);
  });
});

test('a database file of an earlier version goes on, and its rows are compared by load', async () => {
  const path = join(folder, 'test.db');
  const pipelineOf = (v: z.ZodType, rows: readonly unknown[]): Pipeline => ({
    source: sourceOf(v, rows),
    destination: sqlite({ path, undoLoads: 10 }),
  });
  await run(
    pipelineOf(short, [
      { id: 1, v: 'long1' },
      { id: 2, v: 'long2' },
    ]),
    at(1),
  );
  const db = new DatabaseSync(path);
  db.exec('DROP INDEX _plumbing_quarantine_keys');
  for (const table of ['_plumbing_quarantine', '_plumbing_undo_quarantine'])
    for (const column of ['key_text', 'superseded_by']) db.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`);
  db.close();
  const session = await sqlite(path).open({ readOnly: true });
  expect(await Array.fromAsync(session.reader.quarantined('t'))).toHaveLength(2);
  await session.close();
  await run(pipelineOf(short, [{ id: 1, v: 'new' }]), at(2));
  expect(await replayQuarantine(pipelineOf(long, []), at(3))).toMatchObject([{ replayed: 1, superseded: 1 }]);
  expect(
    await Array.fromAsync((await sqlite(path).open({ readOnly: true })).reader.readRows('t')),
  ).toMatchObject([
    { id: 1, v: 'new' },
    { id: 2, v: 'long2' },
  ]);
});
