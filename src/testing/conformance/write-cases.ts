/** Cases 1-9, 11 and 18-19: write modes and keys. */
import { deepStrictEqual, rejects } from 'node:assert/strict';
import { column, sameRows, tableWith } from './harness.ts';
import type { Place } from './harness.ts';
import type { WriteMode } from '../../model/index.ts';

type Case = readonly [id: number, title: string, run: (place: Place) => Promise<void>];

const id = column('id', 'int64', false);
const note = column('note', 'string');
const upsert: WriteMode = { mode: 'merge', strategy: 'upsert' };
const keyed = (write: WriteMode) => tableWith([id, note], write, ['id']);
const scd2 = { mode: 'merge', strategy: 'scd2', closeAbsent: true } as const;

/** See the module's title. */
export const writeCases: readonly Case[] = [
  [
    1,
    'a table that exists already is left as it is',
    async (place) => {
      await place.write(keyed(upsert), [[1, 'a']]);
      await place.write(keyed(upsert), []);
      sameRows(await place.rows(), [{ id: 1, note: 'a' }]);
    },
  ],
  [
    2,
    'append adds the same batch twice',
    async (place) => {
      const table = tableWith([id, note]);
      await place.write(table, [[1, 'a']]);
      const load = await place.write(table, [[1, 'a']]);
      sameRows(await place.rows(), [
        { id: 1, note: 'a' },
        { id: 1, note: 'a' },
      ]);
      deepStrictEqual(load.counts('t').inserted, 1);
    },
  ],
  [
    3,
    'replace shows the old rows until the commit, then the new ones',
    async (place) => {
      const table = tableWith([id, note], { mode: 'replace' });
      await place.write(table, [
        [1, 'old'],
        [2, 'old'],
      ]);
      const replaced = [10, 11, 12].map((row) => ({ id: row, note: 'new' }));
      await place.load([table], async (load) => {
        for (let i = 0; i < 3; i++) {
          await load.write('t', [[10 + i, 'new']]);
          await load.checkpoint([]);
          deepStrictEqual((await place.rows()).length, 2);
        }
        await load.finishTable('t', []);
        if (place.options.visibility !== 'load') sameRows(await place.rows(), replaced);
      });
      sameRows(await place.rows(), replaced);
    },
  ],
  [
    4,
    'merge updates by a one-column and by a composite key, and leaves other rows alone',
    async (place) => {
      await place.write(keyed(upsert), [
        [1, 'a'],
        [2, 'b'],
      ]);
      const load = await place.write(keyed(upsert), [
        [2, 'B'],
        [3, 'c'],
        [1, 'a'],
      ]);
      sameRows(await place.rows(), [
        { id: 1, note: 'a' },
        { id: 2, note: 'B' },
        { id: 3, note: 'c' },
      ]);
      deepStrictEqual(load.counts('t'), {
        inserted: 1,
        updated: 1,
        unchanged: 1,
        deleted: 0,
        quarantined: 0,
      });
      const pair = tableWith(
        [column('a', 'string', false), column('b', 'string', false), note],
        upsert,
        ['a', 'b'],
        'pair',
      );
      await place.write(pair, [
        ['x', 'y', '1'],
        ['x', 'z', '2'],
      ]);
      await place.write(pair, [['x', 'z', '3']]);
      sameRows(await place.rows('pair'), [
        { a: 'x', b: 'y', note: '1' },
        { a: 'x', b: 'z', note: '3' },
      ]);
    },
  ],
  [
    5,
    'of two rows with one key in a batch the last wins',
    async (place) => {
      await place.write(keyed(upsert), [
        [1, 'first'],
        [1, 'last'],
      ]);
      sameRows(await place.rows(), [{ id: 1, note: 'last' }]);
    },
  ],
  [
    6,
    'insert-only leaves existing rows untouched',
    async (place) => {
      const table = keyed({ mode: 'merge', strategy: 'insert-only' });
      await place.write(table, [[1, 'old']]);
      const load = await place.write(table, [
        [1, 'new'],
        [2, 'b'],
      ]);
      sameRows(await place.rows(), [
        { id: 1, note: 'old' },
        { id: 2, note: 'b' },
      ]);
      deepStrictEqual(load.counts('t').inserted, 1);
    },
  ],
  [
    7,
    'delete-insert replaces each scope of the batch, and empties a scope that is named without rows',
    async (place) => {
      const table = tableWith([column('owner', 'string'), note], {
        mode: 'merge',
        strategy: 'delete-insert',
        scope: ['owner'],
      });
      await place.write(table, [
        ['a', '1'],
        ['a', '2'],
        ['b', '3'],
        ['c', '4'],
        [null, '5'],
      ]);
      await place.load([table], async (load) => {
        await load.write('t', [['a', '9']], [{ owner: 'a' }]);
        await load.write('t', [['a', '10']]);
        await load.write('t', [], [{ owner: 'b' }]);
        await load.write('t', [[null, '11']]);
        await load.finishTable('t', []);
      });
      sameRows(await place.rows(), [
        { owner: 'a', note: '9' },
        { owner: 'a', note: '10' },
        { owner: 'c', note: '4' },
        { owner: null, note: '11' },
      ]);
    },
  ],
  [
    8,
    'scd2 keeps versions without gap or overlap; a row may vanish and come back',
    async (place) => {
      const at = (hour: number) => ({
        startedAt: `2026-11-23T${String(hour).padStart(2, '0')}:00:00.000000Z`,
      });
      const table = keyed(scd2);
      await place.write(
        table,
        [
          [1, 'a'],
          [2, 'b'],
        ],
        at(1),
      );
      await place.write(
        table,
        [
          [1, 'A'],
          [2, 'b'],
        ],
        at(2),
      );
      await place.write(table, [[1, 'A']], at(3));
      await place.write(
        table,
        [
          [1, 'A'],
          [2, 'b'],
        ],
        at(4),
      );
      const columns = ['id', 'note', '_valid_from_ts', '_valid_to_ts'];
      const version = (key: number, text: string, from: number, to?: number) => ({
        id: key,
        note: text,
        _valid_from_ts: at(from).startedAt,
        _valid_to_ts: to === undefined ? null : at(to).startedAt,
      });
      sameRows(await place.rows('t', columns), [
        version(1, 'a', 1, 2),
        version(1, 'A', 2),
        version(2, 'b', 1, 3),
        version(2, 'b', 4),
      ]);
      const openIds = async () =>
        (await place.rows('t', columns)).filter((row) => row['_valid_to_ts'] === null).length;
      await place.write(table, [], at(5));
      deepStrictEqual(await openIds(), 2, 'a read without any row closes no key');
      await place.load(
        [table],
        async (load) => {
          await load.quarantine('t', [
            { index: 0, reason: 'note: expected string', raw: { id: 2, note: 5 } },
          ]);
          await load.checkpoint([]);
          await load.write('t', [[1, 'A']]);
          deepStrictEqual((await load.finishTable('t', [])).outcome, 'committed');
        },
        at(6),
      );
      deepStrictEqual(await openIds(), 2, 'a row in quarantine is not absent');
      await place.write(table, [[1, 'A']], at(7));
      deepStrictEqual(await openIds(), 1);
      await place.write(keyed({ ...scd2, allowEmpty: true }), [], at(8));
      deepStrictEqual(await openIds(), 0);
    },
  ],
  [
    9,
    'a row without its key is refused, and nothing of it is stored',
    async (place) => {
      await rejects(place.write(keyed(upsert), [[null, 'no key']]), { code: 'ROW_INVALID' });
      await place.write(keyed(upsert), [[1, 'a']]);
      sameRows(await place.rows(), [{ id: 1, note: 'a' }]);
    },
  ],
  [
    10,
    'missing and null both read as null; a column that must have a value refuses its absence',
    async (place) => {
      const table = tableWith([id, note, column('must', 'string', false)]);
      await place.write(table, [
        [1, null, 'x'],
        [2, undefined, 'x'],
      ]);
      sameRows(await place.rows(), [
        { id: 1, note: null, must: 'x' },
        { id: 2, note: null, must: 'x' },
      ]);
      await rejects(place.write(table, [[3, 'short row']]), { code: 'ROW_INVALID' });
      deepStrictEqual((await place.rows()).length, 2);
    },
  ],
  [
    11,
    'a new field becomes a column; earlier rows read as null',
    async (place) => {
      await place.write(keyed(upsert), [[1, 'a']]);
      await place.load([keyed(upsert)], async (load) => {
        const { columns } = await load.evolve('t', [column('extra', 'int64')]);
        deepStrictEqual(
          columns.map(({ name }) => name),
          ['id', 'note', 'extra'],
        );
        await load.write('t', [[2, 'b', 7]]);
        await load.finishTable('t', []);
      });
      sameRows(await place.rows(), [
        { id: 1, note: 'a', extra: null },
        { id: 2, note: 'b', extra: 7 },
      ]);
    },
  ],
  [
    18,
    'a load of zero rows commits; rows for a table of zero columns are refused',
    async (place) => {
      await place.write(keyed(upsert), []);
      sameRows(await place.rows(), []);
      const session = await place.destination().open({ readOnly: true });
      const { loads } = await session.reader.status();
      await session.close();
      deepStrictEqual(loads[0]?.status, 'succeeded');
      await rejects(place.write(tableWith([], { mode: 'append' }, [], 'bare'), [['x']]), {
        code: 'SCHEMA_INVALID',
      });
    },
  ],
  [
    19,
    'two tables that take turns in one load are both complete',
    async (place) => {
      const [a, b] = [
        tableWith([id], { mode: 'append' }, [], 'a'),
        tableWith([id], { mode: 'append' }, [], 'b'),
      ];
      await place.load([a, b], async (load) => {
        for (let i = 0; i < 50; i++) await load.write(i % 2 === 0 ? 'a' : 'b', [[i]]);
        await load.finishTable('a', []);
        await load.finishTable('b', []);
      });
      deepStrictEqual([(await place.rows('a')).length, (await place.rows('b')).length], [25, 25]);
    },
  ],
];
