/** Undo in processes of its own: killed at every step, and beside a load. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { UndoPlace, streamOf } from './undo-place.ts';
import type { Item } from './undo-place.ts';

const byId = { cursor: { column: 'id' } } as const;
const item = (id: number, note = 'n'): Item => ({ id, note });
const first = [item(1), item(2, 'b')];
const second = [item(2, 'changed'), item(3)];

/** Starts a worker; what it said before it ended. */
async function work(
  place: UndoPlace,
  ...args: readonly string[]
): Promise<{ readonly result: string; readonly passed: readonly string[] } | undefined> {
  const worker = new URL('undo-worker.ts', import.meta.url);
  const child = fork(worker, [JSON.stringify(place.options), ...args]);
  let said: { result: string; passed: string[] } | undefined;
  child.on('message', (message) => {
    said = message as typeof said;
  });
  await once(child, 'exit');
  return said;
}

test.each([
  ['to a snapshot', false],
  ['to nothing', true],
])(
  'killed at every step of going back %s: all or nothing, and the next try ends it',
  async (_to, isFirst) => {
    let kills = 0;
    for (let number = 1; ; number++) {
      using place = new UndoPlace();
      if (!isFirst) await place.run([streamOf('t', first, byId), streamOf('u', first)]);
      const before = isFirst ? { tables: {}, state: [], quarantine: [] } : await place.contents();
      const { loadId } = await place.run([streamOf('t', second, byId), streamOf('u', second)]);
      const after = await place.contents();
      const finished = await work(place, 'undo', loadId, String(number));
      const seen = await place.contents();
      expect([before, after], `killed at step ${number}`).toContainEqual(seen);
      if ((await place.status(loadId)) === 'undone') expect(seen).toEqual(before);
      else {
        expect(seen).toEqual(after);
        await place.undo(loadId);
        expect(await place.contents()).toEqual(before);
      }
      if (finished) {
        expect(finished.passed).toEqual(
          expect.arrayContaining([
            'iceberg.metadata_written',
            'iceberg.catalog_written',
            'iceberg.committed',
          ]),
        );
        break;
      }
      kills++;
    }
    expect(kills).toBeGreaterThanOrEqual(6);
  },
  120_000,
);

test('a killed load, with what it had committed', async () => {
  using place = new UndoPlace();
  await place.run([streamOf('t', first, byId)]);
  const before = await place.contents();
  let number = 1;
  for (let seen = before; JSON.stringify(seen.tables) === JSON.stringify(before.tables); number++) {
    expect(await work(place, 'load', 'shop', String(number))).toBeUndefined();
    seen = await place.contents();
  }
  const session = await place.destination.open({ readOnly: true });
  const { loads } = await session.reader.status();
  await session.close();
  expect(loads[0]).toMatchObject({ status: 'running' });
  await place.undo(String(loads[0]?.loadId));
  expect(await place.contents()).toEqual(before);
}, 240_000);

test.each(['shop', 'other'])(
  'a load of pipeline %s at the same moment: one order or the other, never a mix',
  async (pipeline) => {
    const outcomes = new Set<string>();
    // From far before the load to far after it.
    for (const leadMs of [1_500, 300, 150, 0, -150, -300, -1_500]) {
      using place = new UndoPlace();
      await place.run([streamOf('t', first, byId)]);
      const { loadId: newer } = await place.run([streamOf('t', second, byId)]);
      const start = async (ms: number, ...args: string[]) => {
        await delay(Math.max(0, ms));
        return work(place, ...args);
      };
      const [undoing, loaded] = await Promise.all([
        start(-leadMs, 'undo', newer),
        start(leadMs, 'load', pipeline),
      ]);
      const rows = (await place.rows()).map((row) => [row['id'], row['note']]);
      outcomes.add(String(undoing?.result));
      expect(loaded?.result).toBe('succeeded');
      if (undoing?.result === 'undone')
        expect(rows).toEqual([
          [1, 'n'],
          [2, 'b'],
          [9, 'theirs'],
        ]);
      else {
        expect(undoing?.result).toBe('UNDO_REFUSED');
        expect(rows).toEqual([
          [1, 'n'],
          [2, 'b'],
          [3, 'n'],
          [9, 'theirs'],
        ]);
      }
    }
    expect(outcomes).toEqual(new Set(['undone', 'UNDO_REFUSED']));
  },
  60_000,
);
