/** Sources, plans and checks that never answer: an abort ends the run all the same. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { customCheck, defineSource, defineStream, int64 } from '../../src/model/index.ts';
import type { Stream } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';
import type { Pipeline } from '../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-stuck-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const never = (): Promise<never> => new Promise(() => undefined);
const schema = z.object({ id: int64() });
const rows = async function* () {
  yield [{ id: 1 }];
};
const stuckChecks = [customCheck('never', 't', never)];

test.each<[string, () => Partial<Pipeline> & { readonly stream: Stream }]>([
  [
    'a source',
    () => ({
      stream: defineStream({
        name: 't',
        schema,
        async *read() {
          yield [{ id: 1 }];
          await never();
        },
      }),
    }),
  ],
  [
    'a source, after a row that is an error',
    () => ({
      stream: defineStream({
        name: 't',
        schema,
        drift: 'freeze',
        async *read() {
          yield [{ id: 'bad' }];
          await never();
        },
      }),
    }),
  ],
  ['a plan', () => ({ stream: defineStream({ name: 't', schema, partitions: never, read: rows }) })],
  [
    'a plan that comes in parts',
    () => ({
      stream: defineStream({
        name: 't',
        schema,
        async *partitions() {
          yield { key: 'a' };
          await never();
        },
        read: rows,
      }),
    }),
  ],
  [
    'a file',
    () => {
      const jsonLines = join(folder, 'rows.jsonl');
      writeFileSync(jsonLines, '{"id":1}\n');
      const read = async function* () {
        yield [{ id: 1 }];
        await never();
      };
      return {
        stream: defineStream({
          name: 't',
          schema,
          async *read() {
            yield { jsonLines, read };
          },
        }),
      };
    },
  ],
  ['a check', () => ({ stream: defineStream({ name: 't', schema, read: rows }), checks: stuckChecks })],
  [
    'a check of an Iceberg load',
    () => ({
      stream: defineStream({ name: 't', schema, read: rows }),
      checks: stuckChecks,
      destination: iceberg({ warehouse: join(folder, 'lake') }),
    }),
  ],
])(
  '%s that never answers',
  async (_what, make) => {
    const { stream, ...options } = make();
    const source = defineSource({ name: 'test', streams: [stream] });
    const destination = sqlite(join(folder, 'test.db'));
    const abort = new AbortController();
    const running = run({ source, destination, ...options }, { signal: abort.signal });
    const timer = setTimeout(() => abort.abort(new Error('stop')), 300);

    await expect(running).rejects.toThrow('stop');
    clearTimeout(timer);

    // Nothing is left that would keep the next run out.
    const healthy = defineStream({ name: 't', schema, read: rows });
    const again = { source: defineSource({ name: 'test', streams: [healthy] }), destination };
    const report = await run({ ...again, ...(options.destination && { destination: options.destination }) });

    expect(report.status).toBe('succeeded');
  },
  10_000,
);
