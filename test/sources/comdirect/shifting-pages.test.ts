import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import type { FetchPage } from '../../../src/sources/comdirect/page-ahead.ts';
import { readShiftingPages } from '../../../src/sources/comdirect/shifting-pages.ts';
import type { ListPage } from '../../../src/sources/comdirect/shifting-pages.ts';

interface Row {
  readonly reference: string;
}

const rowsFrom = (start: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ reference: `R${start + i}/1` }));

/** A list that serves pages, counts requests, and changes between them as told. */
class FakeList {
  rows: Row[];
  requests = 0;
  #isAsked = false;
  readonly #change: (list: FakeList) => void;
  readonly #pageSize: number;

  constructor(rows: Row[], pageSize: number, change: (list: FakeList) => void = () => undefined) {
    this.rows = rows;
    this.#pageSize = pageSize;
    this.#change = change;
  }

  readonly fetch = async (first: number, onReceived: () => void): Promise<ListPage> => {
    expect(this.#isAsked, 'two requests at the same time').toBe(false);
    this.#isAsked = true;
    this.requests++;
    if (this.requests > 1) this.#change(this);
    const page = { rows: this.rows.slice(first, first + this.#pageSize), matches: this.rows.length };
    await nextTurn();
    this.#isAsked = false;
    onReceived();
    await nextTurn();
    return page;
  };
}

async function readAll(fetchPage: FetchPage<ListPage>, pageSize: number, maxPages = 1000): Promise<string[]> {
  const references: string[] = [];
  for await (const rows of readShiftingPages(fetchPage, { pageSize, maxPages, what: 'rows' })) {
    references.push(...rows.map((row) => (row as Row).reference));
  }
  return references;
}

const rejection = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

test('a row that vanishes between two pages takes no other row with it', async () => {
  const list = new FakeList(rowsFrom(0, 250), 100, (l) => {
    if (l.requests === 2) l.rows.splice(10, 1);
  });
  const references = await readAll(list.fetch, 100);
  expect(references).toEqual(rowsFrom(0, 250).map((row) => row.reference));
});

test('more vanished rows than the overlap holds make the read go back until it meets a known row', async () => {
  const list = new FakeList(rowsFrom(0, 450), 100, (l) => {
    if (l.requests === 3) l.rows.splice(0, 130);
  });
  const references = new Set(await readAll(list.fetch, 100));
  for (const { reference } of list.rows) expect(references).toContain(reference);
});

test('rows that arrive at the top between two pages push nothing out and repeat nothing', async () => {
  const list = new FakeList(rowsFrom(0, 250), 100, (l) => {
    if (l.requests === 2) l.rows.unshift(...rowsFrom(1000, 30));
  });
  const references = await readAll(list.fetch, 100);
  expect(references).toEqual(rowsFrom(0, 250).map((row) => row.reference));
});

test('a list that loses rows at every page is given up with an error, not cut short', async () => {
  const list = new FakeList(rowsFrom(0, 5000), 100, (l) => void l.rows.splice(0, 90));
  const error = await rejection(readAll(list.fetch, 100));
  expect(isPlumbingError(error, 'PAGINATION_LOOP')).toBe(true);
  expect(list.requests).toBeLessThan(30);
});

test('a server that ignores the offset is noticed', async () => {
  const page = { rows: rowsFrom(0, 100), matches: 1000 };
  let requests = 0;
  const error = await rejection(
    readAll(async () => {
      requests++;
      return page;
    }, 100),
  );
  expect(isPlumbingError(error, 'PAGINATION_LOOP')).toBe(true);
  expect(requests).toBeLessThan(10);
});

test('a total that promises more rows than exist is an error that says both numbers', async () => {
  const list = new FakeList(rowsFrom(0, 150), 100);
  const fetchPage = async (first: number, onReceived: () => void): Promise<ListPage> => ({
    ...(await list.fetch(first, onReceived)),
    matches: 170,
  });
  const error = await rejection(readAll(fetchPage, 100));
  expect(isPlumbingError(error, 'PAGINATION_LOOP') && error.message).toContain('170 rows, but 150');
  expect(isPlumbingError(error) && error.retryable).toBe(true);
});

test('a total that is too small loses no row', async () => {
  const list = new FakeList(rowsFrom(0, 350), 100);
  const fetchPage = async (first: number, onReceived: () => void): Promise<ListPage> => ({
    ...(await list.fetch(first, onReceived)),
    matches: 100,
  });
  expect(await readAll(fetchPage, 100)).toHaveLength(350);
});

test('a full last page is not taken for the end before the next one says so', async () => {
  const list = new FakeList(rowsFrom(0, 180), 100);
  expect(await readAll(list.fetch, 100)).toHaveLength(180);
  const exact = new FakeList(rowsFrom(0, 100), 100);
  expect(await readAll(exact.fetch, 100)).toHaveLength(100);
  expect(exact.requests).toBe(2);
});

test('pages that are shorter than asked for do not end the list while more is announced', async () => {
  const list = new FakeList(rowsFrom(0, 1000), 50);
  expect(await readAll(list.fetch, 500)).toHaveLength(1000);
});

test('one empty page in the middle is asked for again', async () => {
  const list = new FakeList(rowsFrom(0, 350), 100);
  const fetchPage = async (first: number, onReceived: () => void): Promise<ListPage> => {
    const page = await list.fetch(first, onReceived);
    return list.requests === 3 ? { ...page, rows: [] } : page;
  };
  expect(new Set(await readAll(fetchPage, 100)).size).toBe(350);
});

test('an empty first page ends the list only when nothing is announced', async () => {
  expect(await readAll(async () => ({ rows: [], matches: 0 }), 100)).toEqual([]);
  expect(await readAll(async () => ({ rows: [], matches: undefined }), 100)).toEqual([]);
  const error = await rejection(readAll(async () => ({ rows: [], matches: 5 }), 100));
  expect(isPlumbingError(error, 'PAGINATION_LOOP')).toBe(true);
});

test('without a total a short page is the end', async () => {
  const list = new FakeList(rowsFrom(0, 250), 100);
  const fetchPage = async (first: number, onReceived: () => void): Promise<ListPage> => ({
    rows: (await list.fetch(first, onReceived)).rows,
    matches: undefined,
  });
  expect(await readAll(fetchPage, 100)).toHaveLength(250);
});

test('a list without end stops with LIMIT_EXCEEDED after bounded requests', async () => {
  let requests = 0;
  const endless = async (first: number): Promise<ListPage> => {
    requests++;
    return { rows: rowsFrom(first, 100), matches: first + 200 };
  };
  const error = await rejection(readAll(endless, 100));
  expect(isPlumbingError(error, 'LIMIT_EXCEEDED')).toBe(true);
  expect(requests).toBeLessThan(200);
  requests = 0;
  await rejection(readAll(endless, 100, 7));
  expect(requests).toBe(7);
});

test('rows without a reference are told apart by their content, and equal ones of a page both stay', async () => {
  const rows = [
    { reference: null, n: 1 },
    { reference: ' ', n: 2 },
    { reference: null, n: 1 },
  ];
  const pages = readShiftingPages(async () => ({ rows, matches: 3 }), {
    pageSize: 100,
    maxPages: 9,
    what: 'x',
  });
  const read: unknown[] = [];
  for await (const page of pages) read.push(...page);
  expect(read).toEqual(rows);
});

test('rows that share the prefix of their reference are different rows', async () => {
  const rows = [{ reference: 'AB12/1' }, { reference: 'AB12/2' }];
  const pages = readShiftingPages(async () => ({ rows, matches: 2 }), {
    pageSize: 100,
    maxPages: 9,
    what: 'x',
  });
  const read: unknown[] = [];
  for await (const page of pages) read.push(...page);
  expect(read).toHaveLength(2);
});

test('whatever arrives and vanishes between pages, every row that was there all the time is read', async () => {
  const changes = fc.array(fc.record({ at: fc.nat(400), remove: fc.nat(12), insert: fc.nat(12) }), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(fc.nat(400), fc.integer({ min: 2, max: 80 }), changes, async (count, pageSize, plan) => {
      let serial = 10_000;
      const original = rowsFrom(0, count);
      const removed = new Set<string>();
      const list = new FakeList([...original], pageSize, (l) => {
        const change = plan[l.requests - 2];
        if (!change) return;
        const at = Math.min(change.at, l.rows.length);
        for (const row of l.rows.splice(at, change.remove)) removed.add(row.reference);
        // New bookings come at the top of the list.
        l.rows.unshift(...rowsFrom((serial += 100), change.insert));
      });
      let read: string[];
      try {
        read = await readAll(list.fetch, pageSize);
      } catch (error) {
        // Giving up loudly is allowed, ending early is not.
        expect(isPlumbingError(error, 'PAGINATION_LOOP')).toBe(true);
        return;
      }
      const got = new Set(read);
      for (const { reference } of original) if (!removed.has(reference)) expect(got).toContain(reference);
    }),
    { numRuns: 300 },
  );
});

test('each page but the first two is on its way before the one before it is worked on, and none after the last', async () => {
  const list = new FakeList(rowsFrom(0, 450), 100);
  const asked: number[] = [];
  for await (const rows of readShiftingPages(list.fetch, { pageSize: 100, maxPages: 10, what: 'rows' })) {
    expect(rows.length).toBeGreaterThan(0);
    asked.push(list.requests);
    // Long enough for the page that is on its way to arrive; the one after it must wait for its turn.
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  }
  expect(asked).toEqual([1, 3, 4, 5, 5]);
});

test.each([100, 4_000])(
  'where no total is announced, no short page ends a list of %d rows',
  async (count) => {
    const rows = rowsFrom(0, count);
    const fetchPage: FetchPage<ListPage> = async (first, onReceived) => {
      onReceived();
      return { rows: rows.slice(first, first + 20), matches: undefined };
    };

    expect(await readAll(fetchPage, 500)).toEqual(rows.map(({ reference }) => reference));
  },
);
