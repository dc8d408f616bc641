/** Cases 13, 20 and 22-30: state, policies, failures, concurrency, checks. */
import { deepStrictEqual, rejects } from 'node:assert/strict';
import { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import { customCheck, date, defineSource, defineStream, int64, rowCount } from '../../model/index.ts';
import type { DriftPolicy, StateEntry, Stream } from '../../model/index.ts';
import { run } from '../../pipeline/index.ts';
import type { RunReport } from '../../pipeline/index.ts';
import { column, sameRows, tableWith } from './harness.ts';
import type { Place } from './harness.ts';

type Case = readonly [id: number, title: string, run: (place: Place) => Promise<void>];

const id = column('id', 'int64', false);
const keyed = tableWith([id], { mode: 'merge', strategy: 'upsert' }, ['id']);
const entry = (cursor: number | string, partition = ''): StateEntry => ({
  stream: 't',
  partition,
  state: { cursor },
});
const schema = z.object({ id: int64(), day: date().nullish() });

function stream(rows: readonly unknown[], drift: DriftPolicy = 'evolve', name = 't'): Stream {
  return defineStream({
    name,
    schema,
    primaryKey: ['id'],
    cursor: { column: 'day', lookback: 2 },
    drift,
    async *read({ from }) {
      const due = rows as readonly { day?: string }[];
      yield from === undefined ? due : due.filter(({ day }) => day === undefined || day >= from);
    },
  });
}

const runAt = (place: Place, ...streams: Stream[]): Promise<RunReport> =>
  run({
    name: 'conformance',
    source: defineSource({ name: 'source', streams }),
    destination: place.destination(),
  });

/** See the module's title. */
export const loadCases: readonly Case[] = [
  [
    13,
    'evolve adds columns, freeze leaves everything as it was, quarantine sets rows aside',
    async (place) => {
      await runAt(place, stream([{ id: 1 }]));
      await runAt(place, stream([{ id: 2, more: 'x' }, { id: 'bad' }]));
      const evolved = [
        { id: 1, day: null, more: null },
        { id: 2, day: null, more: 'x' },
      ];
      sameRows(await place.rows(), evolved);
      const frozen = await runAt(place, stream([{ id: 3 }, { id: 4, other: 1 }], 'freeze'));
      deepStrictEqual(frozen.streams[0]?.error?.code, 'SCHEMA_DRIFT');
      sameRows(await place.rows(), evolved);
      const kept = await runAt(place, stream([{ id: 3 }, { id: 4, other: 1 }], 'quarantine'));
      deepStrictEqual(kept.streams[0]?.quarantined, 1);
      sameRows(await place.rows(), [...evolved, { id: 3, day: null, more: null }]);
    },
  ],
  [
    20,
    'state reads back as it was written, twice in a row, without growing',
    async (place) => {
      const state = [entry('2026-01-01', 'a'), entry(7, 'b')];
      for (let i = 0; i < 2; i++) {
        await place.write(keyed, [[i]], {}, state);
        deepStrictEqual(await place.state(), state);
      }
    },
  ],
  [
    22,
    'rows whose checkpoint fails are not visible, and their cursor is not stored',
    async (place) => {
      await place.write(keyed, [[1]], {}, [entry(1)]);
      await rejects(
        place.load([keyed], async (load) => {
          await load.write('t', [[2]]);
          throw new Error('the run dies before its checkpoint');
        }),
      );
      sameRows(await place.rows(), [{ id: 1 }]);
      deepStrictEqual(await place.state(), [entry(1)]);
    },
  ],
  [
    23,
    'one stream of three fails; the others keep their progress and the run says so',
    async (place) => {
      const failing = defineStream({
        name: 'b',
        schema,
        primaryKey: ['id'],
        async *read() {
          yield [{ id: 1 }];
          throw new PlumbingError('SOURCE_FAILED', 'the vendor has a bad day');
        },
      });
      const report = await runAt(
        place,
        stream([{ id: 1 }], 'evolve', 'a'),
        failing,
        stream([{ id: 2 }], 'evolve', 'c'),
      );
      deepStrictEqual(report.status, 'failed');
      deepStrictEqual(
        report.streams.map(({ status }) => status),
        ['succeeded', 'failed', 'succeeded'],
      );
      sameRows(await place.rows('a', ['id']), [{ id: 1 }]);
      sameRows(await place.rows('c', ['id']), [{ id: 2 }]);
    },
  ],
  [
    24,
    'an empty or absent new state never clears the stored one',
    async (place) => {
      await place.write(keyed, [[1]], {}, [entry(1)]);
      await place.write(keyed, [[2]], {}, []);
      await place.write(tableWith([id], { mode: 'append' }, [], 'other'), []);
      deepStrictEqual(await place.state(), [entry(1)]);
    },
  ],
  [
    25,
    'rows that tie on the cursor, and rows that come late inside the lookback, are not lost',
    async (place) => {
      const rows = [{ id: 1, day: '2026-01-10' }];
      await runAt(place, stream(rows));
      rows.push({ id: 2, day: '2026-01-10' }, { id: 3, day: '2026-01-08' });
      const report = await runAt(place, stream(rows));
      deepStrictEqual(report.streams[0]?.inserted, 2);
      sameRows(await place.rows('t', ['id']), [{ id: 1 }, { id: 2 }, { id: 3 }]);
    },
  ],
  [
    26,
    'the state stays as small over 1,000 runs as after one',
    async (place) => {
      for (let i = 0; i < 1_000; i++) await place.write(keyed, [[1]], {}, [entry(i)]);
      const session = await place.destination().open({ readOnly: true });
      try {
        deepStrictEqual((await session.reader.status()).state.length, 1);
      } finally {
        await session.close();
      }
    },
  ],
  [
    28,
    'of two loads at once one waits for the other; no row and no cursor is lost',
    async (place) => {
      const table = tableWith([id]);
      await place.write(table, []);
      const writer = (base: number): Promise<unknown> =>
        place.load([table], async (load) => {
          for (let i = 0; i < 20; i++) {
            await load.write('t', [[base + i]]);
            await load.checkpoint([entry(i, String(base))]);
          }
          await load.finishTable('t', []);
        });
      await Promise.all([writer(0), writer(100)]);
      deepStrictEqual((await place.rows()).length, 40);
      deepStrictEqual(await place.state(), [entry(19, '0'), entry(19, '100')]);
    },
  ],
  [
    30,
    'a check that fails publishes nothing and names the staged rows; one that holds sees the table as it will be',
    async (place) => {
      await runAt(place, stream([{ id: 1 }]));
      const pipeline = (rows: readonly unknown[], check: 'holds' | 'fails') => ({
        name: 'conformance',
        source: defineSource({ name: 'source', streams: [stream(rows)] }),
        destination: place.destination(),
        checks: [
          check === 'holds' ? rowCount('t', { min: 2, max: 2 }) : customCheck('never', 't', async () => 'no'),
        ],
      });
      const failed = await run(pipeline([{ id: 2 }], 'fails'));
      deepStrictEqual([failed.status, failed.staged.length], ['checks_failed', 1]);
      sameRows(await place.rows('t', ['id']), [{ id: 1 }]);
      const published = await run(pipeline([{ id: 2 }], 'holds'));
      deepStrictEqual(published.status, 'succeeded');
      sameRows(await place.rows('t', ['id']), [{ id: 1 }, { id: 2 }]);
    },
  ],
];
