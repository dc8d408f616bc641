/** Whole runs over pages that fail, lead nowhere, never end, or hold nothing any more. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { date, int64 } from '../../src/model/index.ts';
import { replyJson } from '../../src/testing/index.ts';
import type { Answer } from '../../src/testing/index.ts';
import { failAt, servePages } from './item-source.ts';
import { openShop } from './shop.ts';
import type { Shop } from './shop.ts';

let shop: Shop;
beforeEach(async () => {
  shop = await openShop();
});
afterEach(() => shop[Symbol.asyncDispose]());

const dated = (id: number): string => `{"id":${id},"day":"2026-01-0${id}"}`;
const dayOf = z.object({ id: int64(), day: date() });

describe('a page that fails for good', () => {
  const pages = servePages([dated(1), dated(2)], [dated(3)], [dated(4)]);

  test.each([
    ['ascending', '2026-01-02'],
    ['unordered', undefined],
  ] as const)(
    'keeps the pages before it; those that come %s keep their cursor too; the next run is complete',
    async (order, cursor) => {
      const options = { schema: dayOf, primaryKey: ['id'], cursor: { column: 'day', order } } as const;
      const failed = await shop.load(failAt(1, pages), options);
      expect(failed).toMatchObject({
        status: 'failed',
        inserted: 2,
        error: { code: 'HTTP_STATUS', retryable: true },
      });
      expect(failed.cursors).toEqual(cursor === undefined ? {} : { '': cursor });
      expect(shop.seen).toHaveLength(1 + 3);
      expect((await shop.stored()).map(({ id }) => id)).toEqual([1, 2]);
      expect(await shop.load(pages, options)).toMatchObject({ status: 'succeeded', inserted: 2, updated: 0 });
      expect(shop.seen[0]?.url).toBe(cursor === undefined ? '/items' : '/items?from=2026-01-02');
      expect((await shop.stored()).map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    },
  );

  test('leaves a table that is replaced as a whole exactly as it was', async () => {
    const options = { primaryKey: ['id'], write: 'replace' } as const;
    await shop.load(servePages(['{"id":7}']), options);
    expect(await shop.load(failAt(1, pages, 404), options)).toMatchObject({
      status: 'failed',
      error: { retryable: false },
    });
    expect(await shop.stored()).toEqual([{ id: 7 }]);
  });
});

test('ten runs over the same answers change nothing but the record of the runs', async () => {
  const pages = servePages([dated(1), dated(2)], [dated(3)]);
  const options = { schema: dayOf, primaryKey: ['id'], cursor: { column: 'day' } } as const;
  await shop.load(pages, options);
  const everything = async (): Promise<unknown> => [
    await shop.database.sql('SELECT * FROM items ORDER BY id'),
    await shop.database.sql('SELECT state FROM _plumbing_state'),
    await shop.database.sql('SELECT * FROM _plumbing_schemas'),
    await shop.database.sql('SELECT sql FROM sqlite_schema ORDER BY name'),
  ];
  const before = await everything();
  for (let i = 0; i < 9; i++)
    expect(await shop.load(pages, options)).toMatchObject({ inserted: 0, updated: 0, quarantined: 0 });
  expect(await everything()).toEqual(before);
});

describe('an empty answer after others', () => {
  test.each(['upsert', 'insert-only', 'scd2'] as const)('changes nothing (%s)', async (write) => {
    const options = { schema: dayOf, primaryKey: ['id'], cursor: { column: 'day' }, write } as const;
    await shop.load(servePages([dated(1), dated(2)]), options);
    const before = await shop.stored();
    expect(await shop.load(servePages([]), options)).toMatchObject({
      status: 'succeeded',
      deleted: 0,
      cursors: { '': '2026-01-02' },
    });
    expect(await shop.stored()).toEqual(before);
  });
});

test.each<[string, Answer]>([
  ['to themselves', replyJson('{"rows":[],"next":1}')],
  [
    'in a circle',
    (response, request) =>
      replyJson(`{"rows":[],"next":${request.url.includes('page=1') ? 2 : 1}}`)(response, request),
  ],
  [
    'on and on',
    (response, request) =>
      replyJson(`{"rows":[],"next":${Number(/\d+$/.exec(request.url)?.[0] ?? 0) + 1}}`)(response, request),
  ],
])(
  'pages that lead %s end the stream with an error, after a bounded number of requests',
  async (_what, answer) => {
    expect(await shop.load(answer)).toMatchObject({
      status: 'failed',
      error: { code: expect.stringMatching(/^(PAGINATION_LOOP|LIMIT_EXCEEDED)$/) as string },
    });
    expect(shop.seen.length).toBeLessThanOrEqual(51);
  },
);
