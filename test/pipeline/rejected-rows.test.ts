/** Rows that do not fit: where they go, what is told of them, and when there are too many. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import { createSqliteReader, sqlite } from '../../src/destinations/sqlite/index.ts';
import { configureLogging } from '../../src/logging/index.ts';
import { customCheck, defineSource, defineStream, int64, json, timestamp } from '../../src/model/index.ts';
import type { Destination, Stream } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';
import type { Pipeline, ProgressEvent } from '../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-rejected-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (): string => join(folder, 'test.db');
const pipelineOf = (stream: Stream, destination: Destination = sqlite(file())): Pipeline => ({
  source: defineSource({ name: 'test', streams: [stream] }),
  destination,
});
const numbered = z.object({ id: int64() });
/** Batches of an ordered stream. */
const inOrder = (...batches: readonly (readonly unknown[])[]): Stream =>
  defineStream({
    name: 't',
    schema: numbered,
    primaryKey: ['id'],
    cursor: { column: 'id', order: 'ascending' },
    async *read() {
      yield* batches;
    },
  });

describe('a value that its type takes, but no store can hold,', () => {
  const values: readonly [string, z.ZodType, unknown][] = [
    ['more than 64 bits', z.bigint().nullable(), 2n ** 70n],
    ['nanoseconds', z.iso.datetime().nullable(), '2026-01-01T00:00:00.123456789Z'],
    ['half a character', z.string().nullable(), 'x\ud800'],
    ['a number that JSON lacks', json(), { a: Number.NaN }],
  ];

  describe.each<[string, () => Destination]>([
    ['SQLite', () => sqlite(file())],
    ['Iceberg', () => iceberg({ warehouse: join(folder, 'lake') })],
  ])('in %s', (_name, makeDestination) => {
    test.each(values)('%s: its row goes to quarantine, the others are loaded', async (_what, type, value) => {
      const stream = defineStream({
        name: 't',
        schema: z.object({ id: int64(), v: type }),
        primaryKey: ['id'],
        cursor: { column: 'id' },
        async *read() {
          yield [
            { id: 1, v: null },
            { id: 9, v: value },
            { id: 2, v: null },
          ];
          yield [{ id: 3, v: null }];
        },
      });
      const destination = makeDestination();
      const report = await run(pipelineOf(stream, destination));

      expect(report.streams[0]).toMatchObject({
        status: 'succeeded',
        read: 4,
        inserted: 3,
        rejected: 1,
        quarantined: 1,
        cursors: { '': 3 },
      });

      const session = await destination.open({ readOnly: true });
      const waiting = [];
      for await (const row of session.reader.quarantined('t')) waiting.push(row);
      await session.close();

      expect(waiting).toMatchObject([{ index: 1, reason: expect.stringContaining('column "v"') as string }]);
    });
  });

  test('with the policy freeze the stream fails, and nothing is written', async () => {
    const stream = defineStream({
      name: 't',
      schema: z.object({ id: int64(), v: z.string() }),
      primaryKey: ['id'],
      drift: 'freeze',
      async *read() {
        yield [
          { id: 1, v: 'a' },
          { id: 2, v: '\udc00' },
        ];
      },
    });
    const report = await run(pipelineOf(stream));

    expect(report.streams[0]).toMatchObject({
      status: 'failed',
      inserted: 0,
      error: { code: 'SCHEMA_DRIFT', message: expect.stringContaining('row 1') as string },
    });
  });
});

describe('too many rows that do not fit', () => {
  const stream = inOrder([{ id: 1 }, { ID: 2 }], [{ id: 3 }, { ID: 4 }]);

  test('make the stream fail; what was rejected is in quarantine', async () => {
    const report = await run({ ...pipelineOf(stream), maxRejected: 1 });

    expect(report.status).toBe('failed');
    expect(report.streams[0]).toMatchObject({
      rejected: 2,
      quarantined: 2,
      inserted: 1,
      cursors: { '': 1 },
      error: { code: 'ROW_INVALID', message: expect.stringContaining('maxRejected (1)') as string },
    });
  });

  test('as many as are allowed do not', async () => {
    const report = await run({ ...pipelineOf(stream), maxRejected: 2 });

    expect(report.streams[0]).toMatchObject({ status: 'succeeded', rejected: 2, inserted: 2 });
  });
});

describe('a staged load', () => {
  const stream = inOrder([{ id: 1 }, { id: 'bad' }], [{ id: 2 }]);

  async function load(verdict: true | string) {
    const events: ProgressEvent['type'][] = [];
    const checks = [customCheck('holds', 't', async () => verdict)];
    const pipeline = { ...pipelineOf(stream), checks, checkpoint: { rows: 1 } };
    const report = await run(pipeline, { onProgress: ({ type }) => events.push(type) });
    return { events, report };
  }

  test('whose checks fail reports the rows that did not fit, but no cursor and no commit', async () => {
    const { events, report } = await load('no');

    expect(report.status).toBe('checks_failed');
    expect(report.streams[0]).toMatchObject({ cursors: {}, rejected: 1, quarantined: 0 });
    expect(events).not.toContain('committed');
  });

  test('that is published reports both', async () => {
    const { events, report } = await load(true);

    expect(report.status).toBe('succeeded');
    expect(report.streams[0]).toMatchObject({ cursors: { '': 2 }, rejected: 1, quarantined: 1 });
    expect(events.filter((type) => type === 'committed')).toHaveLength(1);
    const state = await createSqliteReader(file()).status();
    expect(state.state.map(({ state: { cursor } }) => cursor)).toEqual([2]);
  });
});

describe('a source that gives no rows but something else', () => {
  test.each<[string, Stream['read'], string]>([
    ['nothing', () => undefined as never, 'nothing to iterate over'],
    ['a promise of rows', (async () => []) as never, 'nothing to iterate over'],
    [
      'an undefined batch',
      async function* () {
        yield undefined as never;
      },
      'yielded undefined',
    ],
    [
      'a batch without rows',
      async function* () {
        yield { data: [] } as never;
      },
      'an object without rows',
    ],
    [
      'a text',
      async function* () {
        yield 'rows' as never;
      },
      'a string',
    ],
  ])('%s: the error says what to yield', async (_what, read, message) => {
    const report = await run(pipelineOf(defineStream({ name: 't', schema: numbered, read })));

    expect(report.streams[0]?.error).toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('the log', () => {
  async function logOf(stream: Stream): Promise<string> {
    let text = '';
    await configureLogging({ stream: { write: (line: string) => (text += line) } });
    try {
      await run(pipelineOf(stream), { now: () => new Date('2026-06-01T00:00:00Z') });
    } finally {
      await configureLogging({ level: 'fatal' });
    }
    return text;
  }

  test('warns of rows that did not fit', async () => {
    const read = async function* () {
      yield [{ ID: 1 }, { ID: 2 }, { id: 3 }];
    };

    expect(await logOf(defineStream({ name: 't', schema: numbered, read }))).toMatch(
      /WRN.*stream 't': 2 of 3 rows did not fit/,
    );
  });

  test('tells where an error comes from that nobody has foreseen', async () => {
    const read = async function* (): AsyncGenerator<readonly unknown[]> {
      yield (undefined as unknown as { rows: unknown[] }).rows;
    };

    expect(await logOf(defineStream({ name: 't', schema: numbered, read }))).toMatch(
      /ERR.*TypeError.*rejected-rows\.test\.ts/s,
    );
  });

  test('warns of a cursor that a row without a key has taken ahead of the run', async () => {
    const stream = (write: 'append' | 'upsert'): Stream =>
      defineStream({
        name: write,
        schema: z.object({ id: int64(), at: timestamp() }),
        primaryKey: ['id'],
        write,
        cursor: { column: 'at' },
        async *read() {
          yield [{ id: 1, at: '2099-01-01T00:00:00Z' }];
        },
      });

    expect(await logOf(stream('append'))).toMatch(/WRN.*'append': its cursor is at '2099-01-01/);
    expect(await logOf(stream('upsert'))).toBe('');
  });
});
