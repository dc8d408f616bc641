import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { PlumbingError } from '../../src/errors/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import {
  customCheck,
  date,
  defineSource,
  defineStream,
  int64,
  noNulls,
  rowCount,
  unique,
} from '../../src/model/index.ts';
import type { ReadContext, RowObject, Stream } from '../../src/model/index.ts';
import { planRun, replayQuarantine, run } from '../../src/pipeline/index.ts';
import type { Pipeline, ProgressEvent, RunReport } from '../../src/pipeline/index.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-run-'));
  file = join(folder, 'test.db');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Event {
  id: number;
  day: string;
  note?: string | null;
}
const schema = z.object({ id: int64(), day: date(), note: z.string().nullish() });

/** A stream over rows that the test can change; pages of two. */
function events(rows: Event[], options: Partial<Parameters<typeof defineStream<typeof schema>>[0]> = {}) {
  const seen: ReadContext[] = [];
  const stream = defineStream({
    name: 'events',
    schema,
    primaryKey: ['id'],
    cursor: { column: 'day', order: 'ascending' },
    async *read(context) {
      seen.push(context);
      const due = rows.filter((row) => context.from === undefined || row.day >= (context.from as string));
      for (let i = 0; i < due.length; i += 2) yield due.slice(i, i + 2);
    },
    ...options,
  });
  return { stream, seen };
}

const load = (streams: Stream[], more: Partial<Pipeline> = {}): Promise<RunReport> =>
  run({ source: defineSource({ name: 'test', streams }), destination: sqlite(file), ...more });

async function stored(table: string): Promise<RowObject[]> {
  const session = await sqlite(file).open({ readOnly: true });
  try {
    const rows: RowObject[] = [];
    for await (const row of session.reader.readRows(table)) rows.push(row);
    return rows;
  } finally {
    await session.close();
  }
}
const ids = async (table = 'events'): Promise<unknown[]> =>
  (await stored(table)).map((row) => row['id']).toSorted();

const january = (day: number, note?: string): Event => ({
  id: day,
  day: `2026-01-${String(day).padStart(2, '0')}`,
  ...(note && { note }),
});

describe('incremental runs', () => {
  test('the second run adds nothing, changes nothing, and says so', async () => {
    const { stream } = events([january(1), january(2), january(3)]);
    const first = await load([stream]);
    expect(first.streams[0]).toMatchObject({ status: 'succeeded', read: 3, inserted: 3, batches: 2 });
    const rows = await stored('events');
    const second = await load([stream]);
    expect(second.streams[0]).toMatchObject({ status: 'succeeded', inserted: 0, updated: 0 });
    expect(await stored('events')).toEqual(rows);
  });

  test('start at the cursor, inclusive, so that rows which tie with it are not lost', async () => {
    const rows = [january(1), january(2)];
    const { stream, seen } = events(rows);
    await load([stream]);
    rows.push({ id: 20, day: '2026-01-02' });
    const report = await load([stream]);
    expect(seen.map(({ from }) => from)).toEqual([undefined, '2026-01-02']);
    expect(report.streams[0]).toMatchObject({ inserted: 1, cursors: { '': '2026-01-02' } });
    expect(await ids()).toEqual([1, 2, 20]);
  });

  test('look back as far as the stream says, so that late rows are not lost', async () => {
    const rows = [january(1), january(10)];
    const { stream } = events(rows, { cursor: { column: 'day', lookback: 5 } });
    await load([stream]);
    rows.push(january(6), january(3));
    await load([stream]);
    expect(await ids()).toEqual([1, 10, 6]);
  });

  test('begin where the user says the first time, and at the cursor afterwards', async () => {
    const { stream, seen } = events([january(1), january(5), january(9)]);
    await load([stream], { since: '2026-01-04' });
    await load([stream], { since: '2026-01-04' });
    expect(seen.map(({ from }) => from)).toEqual(['2026-01-04', '2026-01-09']);
    expect(await ids()).toEqual([5, 9]);
    await load([stream], { fullRefresh: true });
    expect(await ids()).toEqual([1, 5, 9]);
  });

  test('an empty answer never moves or clears the cursor', async () => {
    const rows = [january(1), january(2)];
    const { stream, seen } = events(rows);
    await load([stream]);
    rows.length = 0;
    await load([stream]);
    const report = await load([stream]);
    expect(seen.map(({ from }) => from)).toEqual([undefined, '2026-01-02', '2026-01-02']);
    expect(report.streams[0]?.cursors).toEqual({ '': '2026-01-02' });
  });

  test('each partition has a cursor of its own, and one alone can be run from a plan', async () => {
    const seen: [string | undefined, unknown][] = [];
    const stream = defineStream({
      name: 'events',
      schema,
      primaryKey: ['id'],
      cursor: { column: 'day' },
      partitions: async () => [
        { key: 'a', params: { first: 1 } },
        { key: 'b', params: { first: 5 } },
      ],
      async *read({ partition, from }) {
        seen.push([partition?.key, from]);
        const first = Number(partition?.params?.['first']);
        yield [january(first), january(first + 1)];
      },
    });
    const pipeline = { source: defineSource({ name: 'test', streams: [stream] }), destination: sqlite(file) };
    const plan = JSON.parse(JSON.stringify(await planRun(pipeline))) as Awaited<ReturnType<typeof planRun>>;
    expect(plan).toHaveLength(2);
    await run(pipeline, { work: [plan[1]!] });
    expect(await ids()).toEqual([5, 6]);
    const report = await run(pipeline);
    expect(seen).toEqual([
      ['b', undefined],
      ['a', undefined],
      ['b', '2026-01-06'],
    ]);
    expect(report.streams[0]?.cursors).toEqual({ a: '2026-01-02', b: '2026-01-06' });
  });

  test.each([{ mode: 'replace' }, { mode: 'merge', strategy: 'scd2', closeAbsent: true }] as const)(
    'a part of a stream that takes the place of all rows is not loaded alone: %j',
    async (write) => {
      const stream = defineStream({
        name: 'events',
        schema,
        primaryKey: ['id'],
        write,
        partitions: async () => [{ key: 'a' }, { key: 'b' }],
        async *read({ partition }) {
          yield [january(partition?.key === 'a' ? 1 : 2)];
        },
      });
      const pipeline = {
        source: defineSource({ name: 'test', streams: [stream] }),
        destination: sqlite(file),
      };
      await run(pipeline);
      const [work] = await planRun(pipeline);
      await expect(run(pipeline, { work: [work!] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      expect(await ids()).toEqual([1, 2]);
    },
  );

  test('what a source remembers comes back, and does not grow', async () => {
    const seen: unknown[] = [];
    const stream = defineStream({
      name: 's',
      schema: z.object({ id: z.int() }),
      primaryKey: ['id'],
      async *read({ custom }) {
        seen.push(custom);
        yield { rows: [{ id: 1 }], custom: { token: 'next' } };
      },
    });
    for (let i = 0; i < 3; i++) await load([stream]);
    expect(seen).toEqual([undefined, { token: 'next' }, { token: 'next' }]);
  });
});

describe('a stream that fails', () => {
  const failing = (rows: Event[], order: 'ascending' | 'unordered') =>
    events(rows, {
      cursor: { column: 'day', order },
      async *read() {
        yield rows;
        throw new PlumbingError('HTTP_STATUS', 'page 2: 500', { retryable: true });
      },
    }).stream;

  test('keeps its pages with their cursor when they come in order', async () => {
    const report = await load([failing([january(1), january(2)], 'ascending')]);
    expect(report).toMatchObject({
      status: 'failed',
      streams: [
        {
          status: 'failed',
          inserted: 2,
          cursors: { '': '2026-01-02' },
          error: { code: 'HTTP_STATUS', retryable: true },
        },
      ],
    });
    const { stream, seen } = events([january(1), january(2), january(3)]);
    await load([stream]);
    expect(seen[0]?.from).toBe('2026-01-02');
    expect(await ids()).toEqual([1, 2, 3]);
  });

  test('keeps its pages but not the cursor when they come in any order', async () => {
    await load([failing([january(9), january(8)], 'unordered')]);
    const { stream, seen } = events([january(1), january(8), january(9)]);
    await load([stream]);
    expect(seen[0]?.from).toBeUndefined();
    expect(await ids()).toEqual([1, 8, 9]);
  });

  test('leaves the progress of the others', async () => {
    const other = defineStream({
      name: 'other',
      schema: z.object({ id: z.int() }),
      primaryKey: ['id'],
      async *read() {
        yield [{ id: 1 }];
      },
    });
    const last = defineStream({
      name: 'last',
      schema: z.object({ id: z.int() }),
      primaryKey: ['id'],
      async *read() {
        yield [{ id: 2 }];
      },
    });
    const report = await load([other, failing([january(1)], 'ascending'), last]);
    expect(report.streams.map(({ status }) => status)).toEqual(['succeeded', 'failed', 'succeeded']);
    expect([await ids('other'), await ids('last')]).toEqual([[1], [2]]);
  });

  test('for want of a login keeps the others from asking the same account', async () => {
    let asked = 0;
    const refused = (name: string) =>
      defineStream({
        name,
        schema: z.object({ id: z.int() }),
        primaryKey: ['id'],
        async *read() {
          asked++;
          yield [{ id: 1 }];
          throw new PlumbingError('AUTH_REJECTED', 'wrong PIN');
        },
      });
    const report = await load([refused('a'), refused('b')]);
    expect(report.streams.map(({ status }) => status)).toEqual(['failed', 'skipped']);
    expect(asked).toBe(1);
  });

  test('with freeze leaves nothing, not even rows that came before', async () => {
    const rows: Event[] = [january(1), january(2)];
    const { stream } = events(rows, { drift: 'freeze' });
    await load([stream]);
    const before = await stored('events');
    rows.push(january(3), january(4), { ...january(5), extra: true } as Event);
    const report = await load([stream], { checkpoint: { rows: 1 } });
    expect(report.streams[0]).toMatchObject({ status: 'failed', error: { code: 'SCHEMA_DRIFT' } });
    expect(await stored('events')).toEqual(before);
  });
});

describe('rows that do not validate', () => {
  test('go to quarantine, are counted, and the others are stored', async () => {
    const { stream } = events([january(1), { id: 2, day: 'yesterday' }, january(3)]);
    const report = await load([stream]);
    expect(report).toMatchObject({
      status: 'succeeded',
      streams: [{ read: 3, inserted: 2, quarantined: 1 }],
    });
    expect(await ids()).toEqual([1, 3]);
  });
});

describe('new fields', () => {
  test('become columns, and the report names them', async () => {
    const rows: Event[] = [january(1)];
    const { stream } = events(rows);
    await load([stream]);
    rows.push({ ...january(2), mood: 'good' } as Event);
    const report = await load([stream]);
    expect(report.streams[0]?.schemaChanges).toEqual(['added mood: string']);
    expect((await stored('events')).map((row) => row['mood'])).toEqual([null, 'good']);
  });
});

describe('checks', () => {
  const bad = customCheck('never', 'events', async () => 'no luck today');

  test('that hold publish everything at once', async () => {
    const { stream } = events([january(1), january(2)]);
    const report = await load([stream], {
      checks: [noNulls('events', 'day'), unique('events', ['id']), rowCount('events', { min: 2 })],
    });
    expect(report).toMatchObject({ status: 'succeeded', streams: [{ inserted: 2 }] });
    expect(report.checks.map(({ passed }) => passed)).toEqual([true, true, true]);
    expect(await ids()).toEqual([1, 2]);
  });

  test('that fail publish nothing, keep the staged rows, and leave the cursor', async () => {
    const rows = [january(1)];
    const { stream, seen } = events(rows);
    await load([stream]);
    rows.push(january(2));
    const report = await load([stream], { checks: [bad] });
    expect(report).toMatchObject({
      status: 'checks_failed',
      checks: [{ name: 'never', passed: false, message: 'no luck today' }],
    });
    expect(report.staged).toHaveLength(1);
    expect(await ids()).toEqual([1]);
    await load([stream]);
    expect(seen.at(-1)?.from).toBe('2026-01-01');
    expect(await ids()).toEqual([1, 2]);
  });

  test('see the table as it will be, old rows included', async () => {
    const rows = [january(1)];
    const { stream } = events(rows);
    await load([stream]);
    rows.push(january(2));
    expect((await load([stream], { checks: [rowCount('events', { min: 2, max: 2 })] })).status).toBe(
      'succeeded',
    );
  });

  test('on a table that the run does not load are refused before anything happens', async () => {
    const { stream } = events([january(1)]);
    await expect(load([stream], { checks: [noNulls('elsewhere', 'x')] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });
});

describe('abort', () => {
  test('ends the run at once with the reason, even if the source does not heed the signal', async () => {
    const abort = new AbortController();
    const { stream } = events([january(1)], {
      async *read() {
        yield [january(1)];
        abort.abort(new Error('enough'));
        await new Promise(() => {});
      },
    });
    const source = defineSource({ name: 'test', streams: [stream] });
    await expect(run({ source, destination: sqlite(file) }, { signal: abort.signal })).rejects.toThrow(
      'enough',
    );
    const { stream: again } = events([january(1)]);
    expect((await load([again])).status).toBe('succeeded');
  });
});

test('the source is closed once, also after a failure to start', async () => {
  let closed = 0;
  const source = { name: 'test', streams: [events([]).stream], close: async () => void closed++ };
  await run({ source, destination: sqlite(file) });
  await expect(run({ source, destination: sqlite(folder) })).rejects.toMatchObject({
    code: expect.stringMatching(/^DEST_/) as string,
  });
  expect(closed).toBe(2);
});

test('progress tells of each stream and batch', async () => {
  const told: ProgressEvent['type'][] = [];
  const { stream } = events([january(1), january(2), january(3)]);
  const source = defineSource({ name: 'test', streams: [stream] });
  await run({ source, destination: sqlite(file) }, { onProgress: (event) => told.push(event.type) });
  expect(told).toEqual(['stream_started', 'batch', 'batch', 'committed', 'stream_finished']);
});

test('the day of a row is the calendar day of the source, not of UTC', async () => {
  const { stream } = events([january(1)]);
  const source = defineSource({ name: 'test', streams: [stream], timeZone: 'Europe/Berlin' });
  await run({ source, destination: sqlite(file) }, { now: () => new Date('2026-01-31T23:30:00Z') });
  expect((await stored('events'))[0]).toMatchObject({
    _inserted_at_day: '2026-02-01',
    _inserted_at_ts: '2026-01-31T23:30:00.000000Z',
  });
});

describe('replayQuarantine', () => {
  const strict = z.object({ id: int64(), day: date(), note: z.string().nullish() });
  const lenient = z.object({ id: int64(), day: z.string(), note: z.string().nullish() });
  const things = (schemaOf: z.ZodObject, rows: readonly unknown[], rowKey?: 'hash') =>
    defineStream({
      name: 'things',
      schema: schemaOf,
      ...(rowKey ? { rowKey } : { primaryKey: ['id'] }),
      async *read() {
        yield rows;
      },
    });
  const pipelineOf = (stream: Stream): Pipeline => ({
    source: defineSource({ name: 'test', streams: [stream] }),
    destination: sqlite(file),
  });
  const wrong = { id: 1, day: 'soon', note: 'first' };

  test('stores rows that fit the mended schema, and leaves those that still do not', async () => {
    const worse = { id: 2, day: 7 };
    await load([things(strict, [wrong, worse, january(3)])]);
    expect(await replayQuarantine(pipelineOf(things(lenient, [])))).toEqual([
      { stream: 'things', replayed: 1, superseded: 0, remaining: 1 },
    ]);
    expect(await ids('things')).toEqual([1, 3]);
    expect(await replayQuarantine(pipelineOf(things(lenient, [])))).toEqual([
      { stream: 'things', replayed: 0, superseded: 0, remaining: 1 },
    ]);
  });

  test('never takes the place of a row that a later load has stored', async () => {
    await load([things(strict, [wrong])]);
    await load([things(strict, [{ ...january(1), note: 'corrected at the source' }])]);
    expect(await replayQuarantine(pipelineOf(things(lenient, [])))).toMatchObject([
      { replayed: 0, superseded: 1, remaining: 0 },
    ]);
    expect((await stored('things')).map((row) => row['note'])).toEqual(['corrected at the source']);
  });

  test('takes the place of an older row', async () => {
    await load([things(strict, [{ ...january(1), note: 'old' }])]);
    await load([things(strict, [wrong])]);
    expect(await replayQuarantine(pipelineOf(things(lenient, [])))).toMatchObject([{ replayed: 1 }]);
    expect((await stored('things')).map((row) => row['note'])).toEqual(['first']);
  });

  test('works through more rows than one commit holds', async () => {
    const many = Array.from({ length: 2_500 }, (_, id) => ({ id, day: 'soon' }));
    await load([things(strict, many)]);
    expect(await replayQuarantine(pipelineOf(things(lenient, [])))).toMatchObject([
      { replayed: 2_500, remaining: 0 },
    ]);
    expect((await stored('things')).length).toBe(2_500);
  });

  test('leaves out streams whose keys depend on the rows read together', async () => {
    await load([things(strict, [wrong], 'hash')]);
    expect(await replayQuarantine(pipelineOf(things(lenient, [], 'hash')))).toEqual([]);
  });
});

test.each([
  { checkpoint: { rows: 0 } },
  { checkpoint: { rows: Number.NaN } },
  { checkpoint: { intervalMs: -1 } },
  { maxRejected: -1 },
])('refuses %j', async (option) => {
  const source = defineSource({ name: 'test', streams: [] });

  await expect(
    run({ source, destination: sqlite(join(folder, 'test.db')), ...option }),
  ).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
