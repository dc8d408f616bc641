/** Fields and the columns that they become: nothing may be lost between the two. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { defineSource, defineStream } from '../../src/model/index.ts';
import type { Batch, Destination, RowObject, WriteMode } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';
import type { RunReport } from '../../src/pipeline/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-fields-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const place: Record<string, () => Destination> = {
  sqlite: () => sqlite(join(folder, 'test.db')),
  iceberg: () => iceberg({ warehouse: join(folder, 'warehouse') }),
};

describe.each(Object.keys(place))('%s', (kind) => {
  const destination = (): Destination => place[kind]?.() as Destination;
  const load = (
    stream: { schema?: z.ZodObject; primaryKey?: string[]; write?: WriteMode | 'upsert' | 'scd2' | 'append' },
    batches: readonly (readonly object[] | Batch)[],
  ): Promise<RunReport> =>
    run({
      source: defineSource({
        name: 'test',
        streams: [
          defineStream({
            name: 't',
            ...stream,
            async *read() {
              yield* batches as readonly (readonly unknown[])[];
            },
          }),
        ],
      }),
      destination: destination(),
    });
  const rows = async (): Promise<RowObject[]> => {
    const session = await destination().open({ readOnly: true });
    try {
      const found = await Array.fromAsync(session.reader.readRows('t'));
      return found.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('_'))),
      );
    } finally {
      await session.close();
    }
  };

  test('two fields are never one column: the run fails, and says which', async () => {
    const key = { primaryKey: ['id'] };
    await load({ ...key, schema: z.object({ id: z.int(), userId: z.string() }) }, [[{ id: 1, userId: 'a' }]]);
    const both = z.object({ id: z.int(), user_id: z.string(), userId: z.string() });
    await expect(
      load({ ...key, schema: both }, [[{ id: 2, user_id: 'SNAKE', userId: 'camel' }]]),
    ).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
      message: expect.stringContaining('"user_id" and "userId" would both be column "user_id"') as string,
    });
    expect(await rows()).toEqual([{ id: 1, user_id: 'a' }]);
  });

  test.each(['upsert', 'scd2'] as const)(
    'a key is found by the name of its field, without a schema (%s)',
    async (write) => {
      for (const v of ['a', 'b']) {
        const { status, streams } = await load({ primaryKey: ['Id'], write }, [[{ Id: 1, v }]]);
        expect({ status, rejected: streams[0]?.rejected }).toEqual({ status: 'succeeded', rejected: 0 });
      }
      const versions =
        write === 'scd2'
          ? [
              { id: 1, v: 'a' },
              { id: 1, v: 'b' },
            ]
          : [{ id: 1, v: 'b' }];
      expect(await rows()).toEqual(versions);
    },
  );

  test('a scope is found by the name of its field, and after its column has widened', async () => {
    const write: WriteMode = { mode: 'merge', strategy: 'delete-insert', scope: ['Account'] };
    await load({ write }, [
      [
        { Account: 5, v: 1 },
        { Account: 6, v: 2 },
      ],
    ]);
    await load({ write }, [{ rows: [], scopes: [{ Account: 5 }] }, [{ Account: 'DE7', v: 9 }]]);

    expect((await rows()).map(({ account }) => account).toSorted()).toEqual(['6', 'DE7']);
  });
});
