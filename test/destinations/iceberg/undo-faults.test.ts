/** What can not be taken back, and what comes between: other writers, lost answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { maintainIceberg } from '../../../src/destinations/iceberg/index.ts';
import { loadsTable } from '../../../src/destinations/iceberg/load-records.ts';
import { IcebergSession } from '../../../src/destinations/iceberg/session.ts';
import type { Catalog, CommitResult, TableCommit } from '../../../src/iceberg/catalog.ts';
import type { MetadataUpdate } from '../../../src/iceberg/metadata-update.ts';
import { defineSource, int64, replayQuarantine } from '../../../src/index.ts';
import type { LoadInfo } from '../../../src/model/index.ts';
import { createLoadId } from '../../../src/model/load-id.ts';
import { UndoPlace, streamOf } from './undo-place.ts';
import type { Item } from './undo-place.ts';

const byId = { cursor: { column: 'id' } } as const;
const item = (id: number, note = 'n'): Item => ({ id, note });
const first = [item(1), item(2, 'b')];
const second = [item(2, 'changed'), item(3)];

const wider = { schema: z.object({ id: int64(), note: z.string(), extra: z.string().optional() }) };

/** Two loads of one table. */
async function twoLoads(place: UndoPlace): Promise<{ readonly older: string; readonly newer: string }> {
  const older = (await place.run([streamOf('t', first, byId)])).loadId;
  const newer = (await place.run([streamOf('t', second, byId)])).loadId;
  return { older, newer };
}

/** A commit of another program. */
async function change(place: UndoPlace, table: string, updates: readonly MetadataUpdate[]): Promise<void> {
  const house = await place.house();
  const base = await house.load(table);
  if (!base) throw new Error(`there is no table ${table}`);
  const result = await house.catalog.commit([
    { identifier: base.identifier, base, requirements: [], updates },
  ]);
  expect(result.outcome).toBe('committed');
  await house.close();
}

/** The names of the properties of the records' table that begin so. */
async function recordProperties(place: UndoPlace, prefix: string): Promise<string[]> {
  const house = await place.house();
  const { properties = {} } = (await house.load(loadsTable))?.metadata ?? {};
  await house.close();
  return Object.keys(properties).filter((key) => key.startsWith(prefix));
}

describe('refused, and nothing is changed:', () => {
  const refusals: readonly (readonly [string, RegExp, (place: UndoPlace) => Promise<string>])[] = [
    [
      'a load that nobody knows',
      /no record of it/,
      async (place) => {
        await twoLoads(place);
        return '01a221fc-721f-7eb0-8bca-9beaae8f7802';
      },
    ],
    [
      'a load that was taken back already',
      /taken back already/,
      async (place) => {
        const { newer } = await twoLoads(place);
        await place.undo(newer);
        return newer;
      },
    ],
    [
      'rows of a later load',
      /table "t": load [-0-9a-f]{36} came after it.*latest first/,
      async (place) => (await twoLoads(place)).older,
    ],
    [
      'rows of another pipeline',
      /table "t": load [-0-9a-f]{36} came after it/,
      async (place) => {
        const { newer } = await twoLoads(place);
        await place.run([streamOf('t', [item(50)])], { pipeline: 'other' });
        return newer;
      },
    ],
    [
      'rows that another pipeline has found there, and will not read again',
      /pipeline "other" has moved its cursor/,
      async (place) => {
        const shape = { ...byId, cursor: { column: 'id' } } as const;
        const { loadId } = await place.run([streamOf('t', [item(1), item(2)], shape)]);
        await place.run([streamOf('t', [item(1), item(2)], shape)], { pipeline: 'other' });
        return loadId;
      },
    ],
    [
      'rows of another pipeline between two checkpoints',
      /table "t": load [-0-9a-f]{36} came after it/,
      async (place) => {
        await twoLoads(place);
        const stream = streamOf('t', [], byId);
        const between = {
          ...stream,
          async *read() {
            yield [item(20)];
            yield [item(21)];
            await place.run([streamOf('t', [item(50)])], { pipeline: 'other' });
            yield [item(22)];
          },
        };
        return (await place.run([between], { checkpoint: { rows: 1 } })).loadId;
      },
    ],
    [
      'columns that came later',
      /columns were changed/,
      async (place) => {
        const { newer } = await twoLoads(place);
        await place.run([streamOf('t', [], wider)], { pipeline: 'other' });
        return newer;
      },
    ],
    [
      'columns that came between two checkpoints',
      /columns were changed/,
      async (place) => {
        await twoLoads(place);
        const between = {
          ...streamOf('t', [], byId),
          async *read() {
            yield [item(20)];
            yield [item(21)];
            await place.run([streamOf('t', [], wider)], { pipeline: 'other' });
            yield [item(22)];
          },
        };
        return (await place.run([between], { checkpoint: { rows: 1 } })).loadId;
      },
    ],
    [
      'rows in a column that the load has added',
      /table "t": load [-0-9a-f]{36} came after it/,
      async (place) => {
        await twoLoads(place);
        const { loadId } = await place.run([streamOf('t', [], wider)]);
        await place.run([streamOf('t', [{ ...item(30), extra: 'x' }], wider)], { pipeline: 'other' });
        return loadId;
      },
    ],
    [
      'another way of writing to columns that the load has added',
      /columns were changed/,
      async (place) => {
        await twoLoads(place);
        const { loadId } = await place.run([streamOf('t', [], wider)]);
        await place.run([streamOf('t', [], { ...wider, write: 'insert-only' })], { pipeline: 'other' });
        return loadId;
      },
    ],
    [
      'a snapshot of another program',
      /another program has put it at another snapshot/,
      async (place) => {
        const { older } = await twoLoads(place);
        const third = (await place.run([streamOf('t', [item(7)], byId)])).loadId;
        const house = await place.house();
        const snapshots = (await house.load('t'))?.metadata.snapshots ?? [];
        await house.close();
        const id = snapshots.find(({ summary }) => summary['plumbing.load-id'] === older)?.['snapshot-id'];
        const ref = { 'ref-name': 'main', type: 'branch', 'snapshot-id': id ?? 0n } as const;
        await change(place, 't', [{ action: 'set-snapshot-ref', ...ref }]);
        return third;
      },
    ],
    [
      'a cursor that was moved later',
      /the cursor of stream "t" was moved/,
      async (place) => {
        const { newer } = await twoLoads(place);
        const entry = { stream: 't', partition: '', state: { cursor: 99 }, updatedAt: 'later' };
        const updates = { 'plumbing.state.shop': JSON.stringify([entry]) };
        await change(place, 't', [{ action: 'set-properties', updates }]);
        return newer;
      },
    ],
    [
      'snapshots that have been expired',
      /snapshots of then have been expired/,
      async (place) => {
        const { newer } = await twoLoads(place);
        await delay(5);
        await maintainIceberg(place.options, { expireOlderThanDays: 0, retainLast: 1, tables: ['t'] });
        return newer;
      },
    ],
    [
      'a load of an earlier version of this package',
      /nothing was kept/,
      async (place) => {
        const { newer } = await twoLoads(place);
        const removals = await recordProperties(place, 'plumbing.undo.');
        expect(removals).toHaveLength(2);
        await change(place, loadsTable, [{ action: 'remove-properties', removals }]);
        return newer;
      },
    ],
    [
      'a table that was dropped',
      /table "t": it is not there any more/,
      async (place) => {
        const { newer } = await twoLoads(place);
        const house = await place.house();
        await house.catalog.dropTable(house.identifier('t'));
        await house.close();
        return newer;
      },
    ],
  ];
  test.each(refusals)('%s', async (_what, message, prepare) => {
    using place = new UndoPlace();
    const loadId = await prepare(place);
    const seen = await place.contents(true);
    const files = place.files(/\/t\//).length;
    await expect(place.undo(loadId)).rejects.toMatchObject({
      code: 'UNDO_REFUSED',
      retryable: false,
      message: expect.stringMatching(message) as unknown,
      context: { loadId },
    });
    expect(await place.contents(true)).toEqual(seen);
    expect(place.files(/\/t\//)).toHaveLength(files);
  });
});

test('a session that only reads, or has a load open, takes nothing back', async () => {
  using place = new UndoPlace();
  const { newer } = await twoLoads(place);
  const signal = new AbortController().signal;
  const reading = new IcebergSession(await place.house(), true);
  await expect(reading.undo(newer, signal)).rejects.toMatchObject({ code: 'DEST_READ_ONLY' });
  await reading.close();
  const loading = new IcebergSession(await place.house(), false);
  await loading.begin(infoOf(signal));
  await expect(loading.undo(newer, signal)).rejects.toMatchObject({ code: 'DEST_FAILED' });
  await loading.close();
});

function infoOf(signal: AbortSignal): LoadInfo {
  const [startedAt, day] = ['2026-11-23T07:00:00.000000Z', '2026-11-23'];
  const loadId = createLoadId(new Date());
  return { loadId, pipeline: 'shop', startedAt, day, tables: [], staged: false, signal };
}

test('waits for a load of the pipeline, and gives up in time', async () => {
  using place = new UndoPlace({ lockTimeoutMs: 300 });
  const { newer } = await twoLoads(place);
  const signal = new AbortController().signal;
  const loading = new IcebergSession(await place.house(), false);
  const load = await loading.begin(infoOf(signal));
  await expect(place.undo(newer)).rejects.toMatchObject({ code: 'DEST_BUSY', retryable: true });
  const waiting = place.undo(newer);
  await delay(50);
  await load.publish();
  await loading.close();
  expect(await waiting).toMatchObject({ loadId: newer });
});

test('what is kept for undo stays small: the oldest loads go first', async () => {
  using place = new UndoPlace();
  const remembering = (n: number) => ({
    ...streamOf('t', []),
    async *read() {
      yield { rows: [item(n)], custom: { text: `${n}`.repeat(200_000) } };
    },
  });
  const ids: string[] = [];
  for (let n = 1; n <= 5; n++) ids.push((await place.run([remembering(n)])).loadId);
  const kept = await recordProperties(place, 'plumbing.undo.');
  expect(kept.map((key) => key.slice('plumbing.undo.'.length)).toSorted()).toEqual(ids.slice(3).toSorted());
  for (const loadId of ids.slice(3).toReversed()) await place.undo(loadId);
  await expect(place.undo(String(ids[2]))).rejects.toMatchObject({ code: 'UNDO_REFUSED' });
});

describe('rows in quarantine', () => {
  const strict = { ...byId, drift: 'quarantine' } as const;
  const bad = [item(5), { id: 'none', note: 'x' }, { id: 3, note: 4 }];
  const lenient = { schema: z.object({ id: int64(), note: z.coerce.string() }) };
  const replay = (place: UndoPlace) =>
    replayQuarantine({
      source: defineSource({ name: 'shop', streams: [streamOf('t', [], { ...strict, ...lenient })] }),
      destination: place.destination,
    });
  const lastLoad = async (place: UndoPlace): Promise<string> => {
    const session = await place.destination.open({ readOnly: true });
    const { loads } = await session.reader.status();
    await session.close();
    return String(loads[0]?.loadId);
  };

  test('stay when their load is taken back', async () => {
    using place = new UndoPlace();
    await place.run([streamOf('t', first, strict)]);
    const { tables, state } = await place.contents();
    const { loadId } = await place.run([streamOf('t', bad, strict)]);
    const { quarantine } = await place.contents();
    expect(quarantine).toHaveLength(2);
    await place.undo(loadId);
    expect(await place.contents()).toEqual({ tables, state, quarantine });
  });

  test('go back when the load that released them is taken back', async () => {
    using place = new UndoPlace();
    await place.run([streamOf('t', bad, strict)]);
    const before = await place.contents();
    expect(await replay(place)).toMatchObject([{ replayed: 1, remaining: 1 }]);
    expect((await place.contents()).quarantine).toHaveLength(1);
    await place.undo(await lastLoad(place));
    expect(await place.contents()).toEqual(before);
    expect(await replay(place)).toMatchObject([{ replayed: 1, remaining: 1 }]);
  });

  test('do not go back when others have been set aside since', async () => {
    using place = new UndoPlace();
    await place.run([streamOf('t', bad, strict)]);
    await replay(place);
    const replayed = await lastLoad(place);
    await place.run([streamOf('u', [{ id: 'none', note: 'y' }], strict)], { pipeline: 'other' });
    const seen = await place.contents();
    await expect(place.undo(replayed)).rejects.toMatchObject({
      code: 'UNDO_REFUSED',
      message: expect.stringContaining('_plumbing_quarantine') as unknown,
    });
    expect(await place.contents()).toEqual(seen);
  });
});

/** A catalog that does something else with some commits. */
function faulty(
  catalog: Catalog,
  commit: (changes: readonly TableCommit[], real: Catalog) => Promise<CommitResult>,
): Catalog {
  return {
    location: catalog.location,
    loadTable: (identifier) => catalog.loadTable(identifier),
    listTables: (namespace) => catalog.listTables(namespace),
    metadataLocations: (namespace) => catalog.metadataLocations(namespace),
    defaultLocation: (identifier) => catalog.defaultLocation(identifier),
    dropTable: (identifier) => catalog.dropTable(identifier),
    close: () => catalog.close(),
    commit: (changes) => commit(changes, catalog),
  };
}

const unknown = { outcome: 'unknown', cause: new Error('the answer was lost') } as const;

describe('the commit of an undo', () => {
  type Fault = (changes: readonly TableCommit[], real: Catalog, nth: number) => Promise<CommitResult>;
  let late: (() => Promise<CommitResult>) | undefined;
  const faults: readonly (readonly [string, Fault])[] = [
    [
      'has happened, and its answer is lost',
      async (changes, real, nth) => {
        const result = await real.commit(changes);
        return nth === 1 ? unknown : result;
      },
    ],
    ['is lost', async (changes, real, nth) => (nth === 1 ? unknown : real.commit(changes))],
    [
      'comes late',
      async (changes, real, nth) => {
        if (nth === 1) {
          late = () => real.commit(changes);
          return unknown;
        }
        await late?.();
        return real.commit(changes);
      },
    ],
    [
      'comes second',
      async (changes, real, nth) => (nth === 1 ? { outcome: 'conflict', reason: 'x' } : real.commit(changes)),
    ],
  ];
  test.each(faults)('%s: done once', async (_what, fault) => {
    for (const isFirst of [true, false]) {
      using place = new UndoPlace();
      let before = { tables: {}, state: [], quarantine: [] } as Awaited<ReturnType<UndoPlace['contents']>>;
      if (!isFirst) {
        await place.run([streamOf('t', first, byId)]);
        before = await place.contents();
      }
      const { loadId } = await place.run([streamOf('t', second, byId)]);
      let nth = 0;
      place.wrap = (catalog) => faulty(catalog, (changes, real) => fault(changes, real, ++nth));
      const session = new IcebergSession(await place.house(), false);
      const report = await session.undo(loadId, new AbortController().signal);
      await session.close();
      place.wrap = (catalog) => catalog;
      expect(report.tables).toEqual([
        isFirst ? { table: 't', removed: 2, restored: 0 } : { table: 't', removed: 1, restored: 1 },
      ]);
      expect(await place.contents()).toEqual(before);
      expect(await place.status(loadId)).toBe('undone');
    }
  });

  test('comes late, before any look at what is there: done once', async () => {
    const attempt = async (look: number): Promise<void> => {
      using place = new UndoPlace();
      await place.run([streamOf('t', first, byId)]);
      const before = await place.contents();
      const { loadId } = await place.run([streamOf('t', second, byId)]);
      let isFirst = true;
      let looks = 0;
      let later: (() => Promise<CommitResult>) | undefined;
      place.wrap = (catalog) => ({
        ...faulty(catalog, async (changes, real) => {
          if (!isFirst) return real.commit(changes);
          isFirst = false;
          later = () => real.commit(changes);
          return unknown;
        }),
        async loadTable(identifier) {
          if (later && ++looks === look) {
            await later();
            later = undefined;
          }
          return catalog.loadTable(identifier);
        },
      });
      const session = new IcebergSession(await place.house(), false);
      const report = await session.undo(loadId, new AbortController().signal);
      await session.close();
      place.wrap = (catalog) => catalog;
      expect(report.tables, `look ${look}`).toEqual([{ table: 't', removed: 1, restored: 1 }]);
      expect(await place.contents(), `look ${look}`).toEqual(before);
    };
    await Promise.all([1, 2, 3, 4, 5, 6].map(attempt));
  });

  test('meets another writer just before: all is looked at again', async () => {
    using place = new UndoPlace();
    const { newer } = await twoLoads(place);
    let nth = 0;
    place.wrap = (catalog) =>
      faulty(catalog, async (changes, real) => {
        if (++nth === 1) await place.run([streamOf('t', [item(70)])], { pipeline: 'other' });
        return real.commit(changes);
      });
    const session = new IcebergSession(await place.house(), false);
    await expect(session.undo(newer, new AbortController().signal)).rejects.toMatchObject({
      code: 'UNDO_REFUSED',
    });
    await session.close();
    expect((await place.contents()).tables['t']?.rows).toHaveLength(4);
    expect(await place.status(newer)).toBe('succeeded');
  });
});
