/** What is committed when, and with which cursor. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { PlumbingError } from '../../src/errors/index.ts';
import { defineSource, defineStream } from '../../src/model/index.ts';
import type { Batch, Stream } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';
import type { Pipeline, ProgressEvent } from '../../src/pipeline/index.ts';
import { recorder } from './recorder.ts';
import type { RecorderOptions } from './recorder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const never = { rows: 1_000_000, intervalMs: 1_000_000_000 };
const row = (id: number): { id: number } => ({ id });

type StreamOptions = Parameters<typeof defineStream<typeof schema>>[0];
const schema = z.object({ id: z.int() });
const ordered = { column: 'id', order: 'ascending' } as const;

function stream(
  batches: readonly (Batch | readonly unknown[] | Error)[],
  options: Partial<StreamOptions> = { cursor: ordered },
): Stream {
  return defineStream({
    name: 's',
    schema,
    primaryKey: ['id'],
    async *read() {
      for (const batch of batches) {
        if (batch instanceof Error) throw batch;
        yield batch;
      }
    },
    ...options,
  });
}

async function record(streams: Stream[], pipeline: Partial<Pipeline> = {}, options: RecorderOptions = {}) {
  const { destination, calls } = recorder(join(folder, 'test.db'), options);
  const events: ProgressEvent[] = [];
  const source = defineSource({ name: 'test', streams });
  const whole = { source, destination, checkpoint: never, ...pipeline };
  const report = await run(whole, { onProgress: (event) => events.push(event) }).catch(
    (error: unknown) => error as PlumbingError,
  );
  return { calls, events, report };
}

describe('a checkpoint comes', () => {
  const five = [[row(1), row(2)], [row(3), row(4)], [row(5), row(6)], [row(7), row(8)], [row(9)]];

  test('after so many rows, with the cursor of an ordered stream', async () => {
    const { calls, events } = await record([stream(five)], { checkpoint: { ...never, rows: 4 } });
    expect(calls).toEqual([
      'write 2',
      'write 2',
      'checkpoint =4',
      'write 2',
      'write 2',
      'checkpoint =8',
      'write 1',
      'finish =9',
      'publish',
    ]);
    expect(events.map(({ type }) => type).filter((type) => type === 'committed')).toHaveLength(3);
  });

  test('after so many rows, without the cursor of an unordered stream', async () => {
    const unordered = stream(five, { cursor: { column: 'id' } });
    const { calls } = await record([unordered], { checkpoint: { ...never, rows: 4 } });
    expect(calls.filter((call) => !call.startsWith('write'))).toEqual([
      'checkpoint',
      'checkpoint',
      'finish =9',
      'publish',
    ]);
  });

  test('after so much time, and never before', async () => {
    const often = await record([stream(five)], { checkpoint: { ...never, intervalMs: 0 } });
    expect(often.calls.filter((call) => call.startsWith('checkpoint'))).toHaveLength(5);
    // Longer than this process has lived, but not twice as long.
    const intervalMs = performance.now() + 200;
    const seldom = await record([stream(five)], { checkpoint: { ...never, intervalMs } });
    expect(seldom.calls.filter((call) => call.startsWith('checkpoint'))).toEqual([]);
  });

  test('by default after 10,000 rows', async () => {
    const many = [0, 1, 2].map((batch) => Array.from({ length: 5_000 }, (_, id) => row(batch * 5_000 + id)));
    const { calls } = await record([stream(many)], { checkpoint: {} });
    expect(calls).toEqual([
      'write 5000',
      'write 5000',
      'checkpoint =9999',
      'write 5000',
      'finish =14999',
      'publish',
    ]);
  });

  test('only at the end, for rows that become visible together', async () => {
    const checkpoint = { rows: 1, intervalMs: 0 };
    const replace = stream(five, { write: { mode: 'replace' } });
    expect((await record([replace], { checkpoint })).calls.slice(5)).toEqual(['finish', 'publish']);
  });
});

describe('state', () => {
  test('is stored at the cursor that the source names, also in an unordered stream', async () => {
    const named = stream([{ rows: [row(1)], cursor: 7 }, [row(9)]], { cursor: { column: 'id' } });
    const { calls } = await record([named], { checkpoint: { ...never, rows: 1 } });
    expect(calls).toEqual(['write 1', 'checkpoint =7', 'write 1', 'checkpoint', 'finish =9', 'publish']);
  });

  test('of several batches is that of the last, and what a batch does not say stays', async () => {
    const { calls } = await record([
      stream([{ rows: [row(1)], custom: { token: 1 } }, { rows: [row(2)], custom: { token: 2 } }, [row(3)]]),
    ]);
    expect(calls.at(-2)).toBe('finish =3+{"token":2}');
  });

  test('is nothing, where there is neither a cursor nor anything to remember', async () => {
    const { calls } = await record([stream([[row(1)]], {})]);
    expect(calls).toEqual(['write 1', 'finish', 'publish']);
    expect((await record([stream([])])).calls).toEqual(['finish', 'publish']);
  });

  test('of each partition is its own', async () => {
    const parts = stream([], {
      cursor: ordered,
      partitions: async () => [{ key: 'a' }, { key: 'b' }],
      async *read({ partition }) {
        yield [row(partition?.key === 'a' ? 5 : 3)];
        yield [row(partition?.key === 'a' ? 6 : 4)];
      },
    });
    const { calls } = await record([parts]);
    expect(calls.at(-2)).toBe('finish a=6 b=4');
  });
});

describe('after an error', () => {
  const broken = new PlumbingError('HTTP_STATUS', 'page 2: 500', { retryable: true });
  const other = (): Stream => stream([[row(1)]], { name: 'other', cursor: ordered });

  test('of the source what came before is committed, in order, and the others go on', async () => {
    const { calls, report } = await record([stream([[row(1)], broken]), other()]);
    expect(calls).toEqual(['write 1', 'checkpoint =1', 'discard', 'write 1', 'finish =1', 'publish']);
    expect(report).toMatchObject({
      status: 'failed',
      streams: [{ status: 'failed' }, { status: 'succeeded' }],
    });
  });

  test('of the source nothing is committed of rows that become visible together', async () => {
    const replace = stream([[row(1)], broken], { write: { mode: 'replace' } });
    expect((await record([replace])).calls).toEqual(['write 1', 'discard', 'publish']);
  });

  test('of the destination nothing more is committed, and the others are skipped', async () => {
    const { calls, report } = await record(
      [stream([[row(1)], [row(2)]]), other()],
      {},
      {
        onWrite: () => {
          throw new PlumbingError('DEST_FULL', 'the disk is full');
        },
      },
    );
    expect(calls).toEqual(['discard', 'discard', 'publish']);
    expect(report).toMatchObject({ streams: [{ error: { code: 'DEST_FULL' } }, { status: 'skipped' }] });
  });

  test('that nobody expected the report says so, and that to try again will not help', async () => {
    const { report } = await record([stream([new TypeError('x is not a function')]), other()]);
    expect(report).toMatchObject({
      streams: [
        { error: { code: 'UNEXPECTED', message: 'x is not a function', retryable: false } },
        { status: 'succeeded' },
      ],
    });
  });
});

describe('a commit', () => {
  test.each([
    ['conflict', 'COMMIT_CONFLICT', true, /another writer committed first; run again/],
    ['unknown', 'COMMIT_UNKNOWN', false, /did not say whether the commit happened/],
  ] as const)('whose outcome is %s is not repeated', async (outcome, code, retryable, message) => {
    const checkpoint = { ...never, rows: 1 };
    const at = (where: string) =>
      record(
        [stream([[row(1)], [row(2)]])],
        { checkpoint },
        {
          outcome: (kind) => (kind === where ? outcome : undefined),
        },
      );
    const error = { code, retryable, message: expect.stringMatching(message) as string };
    const early = await at('checkpoint');
    expect(early.report).toMatchObject({ status: 'failed', streams: [{ error }] });
    expect(early.calls).toEqual(['write 1', 'checkpoint =1', 'discard', 'publish']);
    expect((await at('finishTable')).report).toMatchObject({ streams: [{ error }] });
    const late = await at('publish');
    expect(late.report).toMatchObject(error);
    expect(late.calls.at(-1)).toMatch(/^abort: test: /);
  });
});
