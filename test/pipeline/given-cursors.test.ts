/** Cursors that a source gives itself, and those of columns that no schema declares. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { readRows, sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, int64, timestamp } from '../../src/model/index.ts';
import type { JsonValue, Stream } from '../../src/model/index.ts';
import { planRun, run } from '../../src/pipeline/index.ts';
import type { Pipeline } from '../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-given-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(folder, 'test.db');
const pipelineOf = (stream: Stream): Pipeline => ({
  source: defineSource({ name: 'test', streams: [stream] }),
  destination: sqlite(file()),
});

async function idsOf(table: string): Promise<unknown[]> {
  const ids: unknown[] = [];
  for await (const row of readRows(file(), table, { orderBy: ['id'] })) ids.push(row['id']);
  return ids;
}

test('rows beyond the place up to which all were given do not move the cursor before the end', async () => {
  let isBroken = true;
  const froms: unknown[] = [];
  const stream = defineStream({
    name: 't',
    schema: z.object({ id: int64() }),
    primaryKey: ['id'],
    cursor: { column: 'id' },
    async *read({ from }) {
      froms.push(from);
      const rows = [5, 100, 50, 60].map((id) => ({ id })).filter(({ id }) => id >= Number(from ?? 0));
      yield { rows: rows.filter(({ id }) => id === 5 || id === 100), cursor: 10 };
      if (isBroken) throw new Error('the line broke');
      yield rows.filter(({ id }) => id === 50 || id === 60);
    },
  });
  const broken = await run(pipelineOf(stream));

  expect(broken.streams[0]).toMatchObject({ status: 'failed', cursors: { '': 10 } });

  isBroken = false;
  const whole = await run(pipelineOf(stream));

  expect(whole.streams[0]?.cursors).toEqual({ '': 100 });
  expect(froms).toEqual([undefined, 10]);
  expect(await idsOf('t')).toEqual([5, 50, 60, 100]);
});

describe('a token of the API', () => {
  test.each<[string, readonly JsonValue[], Partial<Stream>]>([
    ['a text', ['tok_9', 'tok_10', 'tok_11', 'tok_12'], {}],
    ['an object', [{ page: 1 }, { page: 2 }, { page: 3 }, { page: 4 }], {}],
    ['beside a cursor column', ['tok_9', 'tok_10', 'tok_11', 'tok_12'], { cursor: { column: 'id' } }],
    [
      'beside a column whose rows come in order',
      ['tok_9', 'tok_10', 'tok_11', 'tok_12'],
      { cursor: { column: 'id', order: 'ascending' } },
    ],
  ])('%s counts as it was given last, whatever its order', async (_what, tokens, options) => {
    let events = 0;
    const froms: unknown[] = [];
    const stream: Stream = {
      ...defineStream({
        name: 't',
        schema: z.object({ id: int64() }),
        write: 'append',
        async *read({ from }) {
          froms.push(from);
          const known = tokens.findIndex((token) => JSON.stringify(token) === JSON.stringify(from)) + 1;
          events++;
          const rows = Array.from({ length: events - known }, (_, i) => ({ id: known + i + 1 }));
          yield { rows, cursor: tokens[events - 1] as JsonValue };
        },
      }),
      ...options,
    };
    for (let i = 0; i < 4; i++) await run(pipelineOf(stream));

    expect(froms).toEqual([undefined, ...tokens.slice(0, 3)]);
    expect(await idsOf('t')).toEqual([1, 2, 3, 4]);
  });

  test('of an earlier run stays when a run gives none', async () => {
    let cursor: string | undefined = 'tok_b';
    const froms: unknown[] = [];
    const stream = defineStream({
      name: 't',
      schema: z.object({ id: int64(), at: timestamp() }),
      primaryKey: ['id'],
      cursor: { column: 'at' },
      async *read({ from }) {
        froms.push(from);
        const rows = [{ id: 1, at: '2026-01-01T00:00:00Z' }];
        yield cursor === undefined ? rows : { rows, cursor };
      },
    });
    await run(pipelineOf(stream));
    cursor = undefined;
    await run(pipelineOf(stream));
    await run(pipelineOf(stream));

    expect(froms).toEqual([undefined, 'tok_b', 'tok_b']);
  });
});

test('a cursor of the source never goes back, in whatever form it is written', async () => {
  const given = ['2026-02-01T00:00:00Z', '2026-01-15T12:00:00+01:00', '2026-02-01T00:00:00.5Z'];
  const stored: unknown[] = [];
  for (const cursor of given) {
    const stream = defineStream({
      name: 't',
      schema: z.object({ id: int64(), at: timestamp() }),
      primaryKey: ['id'],
      cursor: { column: 'at' },
      async *read() {
        yield { rows: [{ id: 1, at: '2026-01-01T00:00:00Z' }], cursor };
      },
    });
    const report = await run(pipelineOf(stream));
    stored.push(report.streams[0]?.cursors['']);
  }

  expect(stored).toEqual([given[0], given[0], given[2]]);
});

test('without a schema the first run stores the cursor, and the lookback counts in days', async () => {
  const froms: unknown[] = [];
  const stream = defineStream({
    name: 't',
    cursor: { column: 'day', lookback: 3 },
    async *read({ from }) {
      froms.push(from);
      const rows = [
        { id: 1, day: '2026-01-01' },
        { id: 2, day: '2026-01-10' },
      ];
      yield rows.filter(({ day }) => from === undefined || day >= String(from));
    },
  });
  const first = await run(pipelineOf(stream));
  await run(pipelineOf(stream));

  expect(first.streams[0]?.cursors).toEqual({ '': '2026-01-10' });
  expect(froms).toEqual([undefined, '2026-01-07']);
});

describe('parts of a run', () => {
  test('a part without a name is read with its own parameters', async () => {
    const parts: unknown[] = [];
    const stream = defineStream({
      name: 't',
      schema: z.object({ id: int64() }),
      primaryKey: ['id'],
      partitions: async () => [{ key: '', params: { place: 'root' } }],
      async *read({ partition }) {
        parts.push(partition);
        yield [{ id: 1 }];
      },
    });
    for (const item of await planRun(pipelineOf(stream))) await run(pipelineOf(stream), { work: [item] });

    expect(parts).toEqual([{ key: '', params: { place: 'root' } }]);
  });
});
