/** Rows in quarantine that get a second chance: by write mode, key and drift policy. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineSource, defineStream } from '../../src/model/index.ts';
import type { RowObject, Stream, WriteMode } from '../../src/model/index.ts';
import { replayQuarantine, run } from '../../src/pipeline/index.ts';
import type { Pipeline } from '../../src/pipeline/index.ts';
import { recorder } from './recorder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const strict = z.object({ id: z.int(), part: z.int().nullish(), note: z.int() });
const lenient = z.object({ id: z.int(), part: z.int().nullish(), note: z.string() });
const wrong = { id: 1, note: 'first' };

type Options = Partial<Parameters<typeof defineStream<typeof strict>>[0]>;
const before = (rows: readonly unknown[], options: Options = {}): Stream =>
  defineStream({
    name: 'things',
    schema: strict,
    primaryKey: ['id'],
    async *read() {
      yield rows;
    },
    ...options,
  });
/** The same stream with its schema mended. */
const after = (options: Options = {}): Stream => ({ ...before([], options), schema: lenient });

function pipelineOf(...streams: Stream[]) {
  const { destination, calls, opened } = recorder(join(folder, 'test.db'));
  const source = defineSource({ name: 'test', streams });
  return { pipeline: { source, destination } satisfies Pipeline, calls, opened };
}
const load = (stream: Stream, day = '2026-01-01') =>
  run(pipelineOf(stream).pipeline, { now: () => new Date(`${day}T12:00:00Z`) });
const replay = async (stream: Stream, day = '2026-01-02') => {
  const { pipeline, calls } = pipelineOf(stream);
  const reports = await replayQuarantine(pipeline, { now: () => new Date(`${day}T12:00:00Z`) });
  return { reports, calls };
};
async function stored(): Promise<RowObject[]> {
  const session = await pipelineOf().pipeline.destination.open({ readOnly: true });
  try {
    return await Array.fromAsync(session.reader.readRows('things', { orderBy: ['id'] }));
  } finally {
    await session.close();
  }
}

describe('by write mode', () => {
  const mergeBy = (strategy: 'upsert' | 'insert-only'): WriteMode => ({ mode: 'merge', strategy });

  test.each<[string, Options]>([
    ['append', { write: { mode: 'append' }, primaryKey: [] }],
    ['upsert', { write: mergeBy('upsert') }],
    ['insert-only', { write: mergeBy('insert-only') }],
  ])('%s: rows that fit are stored, each once', async (_mode, options) => {
    await load(before([wrong, { id: 2, note: 7 }], options));
    const { reports } = await replay(after(options));
    expect(reports).toEqual([{ stream: 'things', replayed: 1, superseded: 0, remaining: 0 }]);
    expect((await stored()).map(({ id, note }) => [id, note])).toEqual([
      [1, 'first'],
      [2, '7'],
    ]);
    expect((await replay(after(options))).reports).toMatchObject([{ replayed: 0, remaining: 0 }]);
    expect(await stored()).toHaveLength(2);
  });

  test.each<[string, WriteMode]>([
    ['replace', { mode: 'replace' }],
    ['delete-insert', { mode: 'merge', strategy: 'delete-insert', scope: ['part'] }],
    ['scd2', { mode: 'merge', strategy: 'scd2' }],
  ])('%s: a late row would stand for the whole set, so the stream is left out', async (_mode, write) => {
    await load(before([wrong, { id: 2, note: 7, part: 1 }], { write }));
    expect((await replay(after({ write }))).reports).toEqual([]);
  });
});

describe('by key', () => {
  test('of several columns: only a row that has them all equal supersedes', async () => {
    const options: Options = { primaryKey: ['id', 'part'] };
    await load(
      before(
        [
          { ...wrong, part: 1 },
          { ...wrong, part: 2 },
        ],
        options,
      ),
    );
    await load(
      before(
        [
          { id: 1, part: 2, note: 7 },
          { id: 2, part: 1, note: 7 },
        ],
        options,
      ),
      '2026-01-02',
    );
    expect((await replay(after(options), '2026-01-03')).reports).toMatchObject([
      { replayed: 1, superseded: 1, remaining: 0 },
    ]);
    expect((await stored()).map(({ id, part, note }) => [id, part, note]).toSorted()).toEqual([
      [1, 1, 'first'],
      [1, 2, '7'],
      [2, 1, '7'],
    ]);
  });

  test('with the day of the load: a late row would pass for one of today, so the stream is left out', async () => {
    const options: Options = { primaryKey: ['id', '_inserted_at_day'] };
    await load(before([wrong], options));
    expect((await replay(after(options))).reports).toEqual([]);
  });
});

describe('by drift policy', () => {
  const more = { id: 1, note: 'first', mood: 'good' };

  test('evolve: fields that the schema does not know become columns', async () => {
    await load(before([more]));
    expect((await replay(after())).reports).toMatchObject([{ replayed: 1 }]);
    expect(await stored()).toMatchObject([{ id: 1, mood: 'good' }]);
  });

  test.each(['quarantine', 'freeze'] as const)(
    '%s: a row that still has them stays, and others are stored',
    async (drift) => {
      await load(before([more, { id: 2, note: 'second' }], { drift: 'quarantine' }));
      expect((await replay(after({ drift }))).reports).toMatchObject([{ replayed: 1, remaining: 1 }]);
      expect((await stored()).map(({ id }) => id)).toEqual([2]);
    },
  );
});

test('rows are handled a thousand a commit, those that stay among them', async () => {
  const rows = Array.from({ length: 2_000 }, (_, id) => ({ id, note: id % 1_000 === 999 ? null : 'x' }));
  await load(before(rows));
  const { reports, calls } = await replay(after());
  expect(reports).toMatchObject([{ replayed: 1_998, remaining: 2 }]);
  expect(calls).toEqual(['write 999', 'checkpoint', 'write 999', 'checkpoint', 'finish', 'publish']);
});

test('an abort ends it between two commits; what was committed stays', async () => {
  await load(before(Array.from({ length: 1_500 }, (_, id) => ({ id, note: 'x' }))));
  const abort = new AbortController();
  const { destination, calls, opened } = recorder(join(folder, 'test.db'), {
    onWrite: () => abort.abort(new Error('enough')),
  });
  let closed = 0;
  const source = { ...defineSource({ name: 'test', streams: [after()] }), close: async () => void closed++ };
  await expect(replayQuarantine({ source, destination }, { signal: abort.signal })).rejects.toThrow('enough');
  expect(calls).toEqual(['write 1000', 'checkpoint', 'abort: enough']);
  expect([await stored().then((rows) => rows.length), closed, opened[0]]).toEqual([
    1_000,
    1,
    { signal: abort.signal },
  ]);
});

test('after an end between two commits the next replay still leaves the newer row of a key', async () => {
  await load(before([wrong]));
  const between = Array.from({ length: 1_000 }, (_, index) => ({ id: index + 2, note: 'x' }));
  await load(before([...between, { id: 1, note: 'second' }]));
  const abort = new AbortController();
  const { destination } = recorder(join(folder, 'test.db'), {
    onWrite: () => abort.abort(new Error('enough')),
  });
  const source = defineSource({ name: 'test', streams: [after()] });
  await expect(replayQuarantine({ source, destination }, { signal: abort.signal })).rejects.toThrow('enough');
  expect((await stored())[0]).toMatchObject({ id: 1, note: 'first' });
  expect((await replay(after())).reports).toMatchObject([{ replayed: 2, superseded: 0 }]);
  expect((await stored())[0]).toMatchObject({ id: 1, note: 'second' });
});

test('the day of a replayed row is the calendar day of the source', async () => {
  await load(before([wrong]));
  const { destination } = recorder(join(folder, 'test.db'));
  const source = defineSource({ name: 'test', timeZone: 'Pacific/Auckland', streams: [after()] });
  await replayQuarantine({ source, destination }, { now: () => new Date('2026-01-02T20:00:00Z') });
  expect(await stored()).toMatchObject([{ _inserted_at_day: '2026-01-03' }]);
});
