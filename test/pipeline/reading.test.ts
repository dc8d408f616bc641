/** How a run deals with the iterator of a stream: one ahead, ended in time, closed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { defineSource, defineStream } from '../../src/model/index.ts';
import type { Pipeline } from '../../src/pipeline/index.ts';
import { run } from '../../src/pipeline/index.ts';
import { recorder } from './recorder.ts';
import type { RecorderOptions } from './recorder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-run-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A pipeline over an iterator of our own that notes what is asked of it; `batches` in all, one row each. */
function watched(
  batches: number,
  more: { return?: boolean; failAt?: number } = {},
  options?: RecorderOptions,
) {
  const { return: canReturn = true, failAt } = more;
  const asked: string[] = [];
  let n = 0;
  const iterator: AsyncIterator<readonly unknown[]> = {
    async next() {
      asked.push('next');
      n++;
      if (n === failAt) throw new Error('broken');
      return n > batches ? { done: true, value: undefined } : { done: false, value: [{ id: n }] };
    },
    ...(canReturn && {
      async return() {
        asked.push('return');
        return { done: true, value: undefined };
      },
    }),
  };
  const stream = defineStream({
    name: 's',
    schema: z.object({ id: z.int() }),
    primaryKey: ['id'],
    read: () => ({ [Symbol.asyncIterator]: () => iterator }),
  });
  const { destination, calls, opened } = recorder(join(folder, 'test.db'), options);
  const pipeline: Pipeline = { source: defineSource({ name: 'test', streams: [stream] }), destination };
  return { pipeline, asked, calls, opened };
}

test('a source is asked for one batch ahead of the writer, never more', async () => {
  const lead: number[] = [];
  let written = 0;
  const source = watched(4, {}, { onWrite: () => lead.push(source.asked.length - ++written) });
  await run(source.pipeline);
  expect(lead).toEqual([1, 1, 1, 1]);
  // It has ended by itself: there is nothing to close.
  expect(source.asked).toEqual(['next', 'next', 'next', 'next', 'next']);
});

test('a source that is left early is closed', async () => {
  const onWrite = (): void => {
    throw new Error('no room');
  };
  const source = watched(4, {}, { onWrite });
  expect((await run(source.pipeline)).status).toBe('failed');
  expect(source.asked).toEqual(['next', 'next', 'return']);
  const without = watched(4, { return: false }, { onWrite });
  expect((await run(without.pipeline)).streams[0]?.error?.message).toBe('no room');
});

test('a source that fails has closed itself', async () => {
  const source = watched(4, { failAt: 2 });
  expect((await run(source.pipeline)).streams[0]).toMatchObject({
    inserted: 1,
    error: { message: 'broken' },
  });
  expect(source.asked).toEqual(['next', 'next']);
});

test.each([true, false])(
  'an abort between two batches ends the run before the next is taken (return: %s)',
  async (canReturn) => {
    const abort = new AbortController();
    const source = watched(4, { return: canReturn });
    const ended = run(source.pipeline, {
      signal: abort.signal,
      onProgress: ({ type }) => type === 'batch' && abort.abort('enough'),
    });
    await expect(ended).rejects.toBe('enough');
    expect(source.calls).toEqual(['write 1', 'abort: enough']);
    expect(source.asked).toEqual(canReturn ? ['next', 'next', 'return'] : ['next', 'next']);
  },
);

test('an abort before the first batch asks for none', async () => {
  const abort = new AbortController();
  const source = watched(4);
  const onProgress = ({ type }: { type: string }): void => {
    if (type === 'stream_started') abort.abort('enough');
  };
  await expect(run(source.pipeline, { signal: abort.signal, onProgress })).rejects.toBe('enough');
  expect(source.asked).not.toContain('next');
});

test('an abort before the start opens nothing', async () => {
  const source = watched(1);
  await expect(run(source.pipeline, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
  expect(source.opened).toEqual([]);
});

test('a run listens to its signal while it reads, and no longer', async () => {
  const { signal } = new AbortController();
  const source = watched(2);
  await run(source.pipeline, { signal });
  expect(source.opened).toEqual([{ signal }]);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
