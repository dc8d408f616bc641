/** What a run is made of, and what it says of itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream, rowCount } from '../../src/model/index.ts';
import type { PlanContext, ReadContext, Stream } from '../../src/model/index.ts';
import { definePipeline, planRun, run } from '../../src/pipeline/index.ts';
import type { Pipeline, ProgressEvent, RunOptions } from '../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const schema = z.object({ id: z.int() });

function stream(name: string, more: Partial<Parameters<typeof defineStream<typeof schema>>[0]> = {}) {
  const contexts: ReadContext[] = [];
  const made = defineStream({
    name,
    schema,
    primaryKey: ['id'],
    cursor: { column: 'id' },
    async *read(context: ReadContext) {
      contexts.push(context);
      yield [{ id: 1 }, { id: 2 }];
    },
    ...more,
  });
  return Object.assign(made, { contexts });
}

const pipelineOf = (streams: readonly Stream[], more: Partial<Pipeline> = {}): Pipeline => ({
  source: defineSource({ name: 'test', streams }),
  destination: sqlite(join(folder, 'test.db')),
  ...more,
});
const execute = (streams: readonly Stream[], more: Partial<Pipeline> = {}, options: RunOptions = {}) =>
  run(pipelineOf(streams, more), options);

describe('a plan', () => {
  test('lists each partition, and streams without any as one part', async () => {
    const contexts: PlanContext[] = [];
    const split = stream('split', {
      async *partitions(context) {
        contexts.push(context);
        yield { key: 'a' };
        yield { key: 'b', params: { n: 1 } };
      },
    });
    const before = Date.now();
    const signal = AbortSignal.timeout(60_000);
    expect(await planRun(pipelineOf([stream('whole'), split]), { signal })).toEqual([
      { stream: 'whole', partition: { key: '' } },
      { stream: 'split', partition: { key: 'a' } },
      { stream: 'split', partition: { key: 'b', params: { n: 1 } } },
    ]);
    expect(contexts[0]?.signal).toBe(signal);
    expect(contexts[0]?.now().getTime()).toBeGreaterThanOrEqual(before);
    const now = new Date('2026-01-01T00:00:00Z');
    await planRun(pipelineOf([split]), { now: () => now });
    expect(contexts[1]?.now()).toBe(now);
    expect(contexts[1]?.signal.aborted).toBe(false);
  });

  test('closes the source', async () => {
    let closed = 0;
    const source = {
      ...defineSource({ name: 'test', streams: [stream('s')] }),
      close: async () => void closed++,
    };
    await planRun({ ...pipelineOf([]), source });
    expect(closed).toBe(1);
  });

  test('is run part by part: other streams and partitions are left alone', async () => {
    const whole = stream('whole');
    const split = stream('split', { partitions: async () => [{ key: 'a' }, { key: 'b' }] });
    const streams = [whole, split];
    const [one, a, b] = await planRun(pipelineOf(streams));
    const first = await execute(streams, {}, { work: [one!] });
    expect(first.streams.map((each) => [each.stream, each.partitions])).toEqual([['whole', 1]]);
    expect(whole.contexts[0]).not.toHaveProperty('partition');
    const second = await execute(streams, {}, { work: [one!, a!] });
    expect(second.streams.map((each) => [each.stream, each.partitions])).toEqual([
      ['whole', 1],
      ['split', 1],
    ]);
    expect(split.contexts.map(({ partition }) => partition)).toEqual([{ key: 'a' }]);
    // The cursors of a report are those that are stored, also of parts that were not run, and of no other stream.
    const third = await execute(streams, {}, { work: [b!] });
    expect(third.streams.map(({ cursors }) => cursors)).toEqual([{ a: 2, b: 2 }]);
  });
});

describe('a selection of streams', () => {
  test('loads those only, in its order', async () => {
    const report = await execute([stream('a'), stream('b'), stream('c')], { streams: ['c', 'a'] });
    expect(report.streams.map((each) => each.stream)).toEqual(['c', 'a']);
  });

  test('of a stream that there is not is refused, and names those there are', () => {
    expect(() => definePipeline(pipelineOf([stream('a'), stream('b')], { streams: ['x'] }))).toThrow(
      'source "test" has no stream "x"; it has a, b',
    );
  });

  test('must hold the table of each check', () => {
    const checks = [rowCount('b', { min: 1 })];
    const streams = [stream('a'), stream('b')];
    expect(definePipeline(pipelineOf(streams, { checks })).checks).toBe(checks);
    expect(() => definePipeline(pipelineOf(streams, { checks, streams: ['a'] }))).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/the run loads no table "b"; it loads a$/) as string,
      }),
    );
  });
});

describe('a report', () => {
  test('says what ran when, where to, and how long it took', async () => {
    const times = [new Date('2026-01-01T10:00:00Z'), new Date('2026-01-01T10:00:07Z')];
    const started = performance.now();
    const report = await execute([stream('a')], { name: 'mine' }, { now: () => times.shift() as Date });
    const tookMs = performance.now() - started;
    expect(report).toMatchObject({
      pipeline: 'mine',
      destination: `sqlite:${join(folder, 'test.db')}`,
      status: 'succeeded',
      startedAt: '2026-01-01T10:00:00.000Z',
      finishedAt: '2026-01-01T10:00:07.000Z',
      checks: [],
      staged: [],
      streams: [{ read: 2, batches: 1, partitions: 1, cursors: { '': 2 }, schemaChanges: [] }],
    });
    expect(report.streams[0]).not.toHaveProperty('error');
    for (const { durationMs } of [report, ...report.streams]) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(durationMs).toBeLessThanOrEqual(Math.ceil(tookMs));
    }
  });

  test('names a column once, as it came', async () => {
    const rows = (...batches: unknown[][]): Stream =>
      stream('a', {
        async *read() {
          yield* batches;
        },
      });
    const changes = async (...batches: unknown[][]): Promise<unknown> =>
      (await execute([rows(...batches)])).streams[0]?.schemaChanges;
    expect(await changes([{ id: 1, more: 1 }], [{ id: 2, more: 1.5 }])).toEqual(['added more: int64']);
    expect(await changes([{ id: 3, more: 2 }])).toEqual([]);
    expect(await changes([{ id: 4, more: 'x' }])).toEqual(['widened more: string']);
  });

  test('progress is told in order', async () => {
    const events: ProgressEvent[] = [];
    const report = await execute([stream('a')], {}, { onProgress: (event) => events.push(event) });
    expect(events).toEqual([
      { type: 'stream_started', stream: 'a' },
      { type: 'batch', stream: 'a', partition: '', rows: 2, batches: 1 },
      { type: 'committed', stream: 'a' },
      { type: 'stream_finished', report: expect.objectContaining({ stream: 'a', inserted: 2 }) as unknown },
    ]);
    expect(report.streams[0]).toMatchObject({ inserted: 2 });
  });
});

test('a staged load without checks is visible at once, when all of it is there', async () => {
  const destination = sqlite(join(folder, 'test.db'));
  const seen: number[] = [];
  const rowsSeen = async (): Promise<void> => {
    const session = await destination.open({ readOnly: true });
    try {
      seen.push((await Array.fromAsync(session.reader.readRows('a'))).length);
    } finally {
      await session.close();
    }
  };
  const b = stream('b', {
    async *read() {
      await rowsSeen();
      yield [{ id: 1 }];
    },
  });
  await execute([stream('a'), b], { staged: true, checkpoint: { rows: 1 } });
  await rowsSeen();
  expect(seen).toEqual([0, 2]);
});
