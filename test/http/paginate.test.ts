import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readPages } from '../../src/http/index.ts';
import type { Page } from '../../src/http/index.ts';

/** A server that leads from cursor to cursor; the first page has the cursor `undefined`. */
function script(leads: Record<string, string | null | undefined>) {
  const asked: unknown[] = [];
  const fetchPage = async (position: string | number | undefined): Promise<Page<string>> => {
    asked.push(position);
    return { rows: [String(position)], next: leads[String(position)] };
  };
  return { asked, fetchPage };
}

async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const rows: T[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}

describe('pages that lead in a circle are an error after a bounded number of requests, never a quiet end', () => {
  test.each<[string, Record<string, string>, number]>([
    ['A, A', { undefined: 'A', A: 'A' }, 2],
    ['A, B, A', { undefined: 'A', A: 'B', B: 'A' }, 3],
    ['A, B, C, B', { undefined: 'A', A: 'B', B: 'C', C: 'B' }, 4],
  ])('%s', async (_circle, leads, requests) => {
    const { asked, fetchPage } = script(leads);
    await expect(collect(readPages(fetchPage))).rejects.toMatchObject({ code: 'PAGINATION_LOOP' });
    expect(asked).toHaveLength(requests);
  });

  test('pages that never end stop at the limit', async () => {
    let n = 0;
    const endless = async (): Promise<Page<number>> => ({ rows: [1], next: ++n });
    await expect(collect(readPages(endless, { maxPages: 7 }))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    });
    expect(n).toBe(7);
  });
});

test.each([undefined, null, ''])('the cursor %j ends it', async (end) => {
  const { fetchPage } = script({ undefined: 'A', A: end });
  expect(await collect(readPages(fetchPage))).toEqual(['undefined', 'A']);
});

test('the offset 0 is a position, not an end', async () => {
  const leads = [1, 0, undefined];
  const pages = readPages(async () => ({ rows: ['x'], next: leads.shift() }));
  expect(await collect(pages)).toHaveLength(3);
});

test('an empty page in the middle ends nothing', async () => {
  const pages: Page<number>[] = [{ rows: [1], next: 'a' }, { rows: [], next: 'b' }, { rows: [2] }];
  expect(await collect(readPages(async () => pages.shift() as Page<number>))).toEqual([1, 2]);
});

test('a page is asked for only when the one before it was taken', async () => {
  const { asked, fetchPage } = script({ undefined: 'A', A: 'B' });
  for await (const _ of readPages(fetchPage)) break;
  expect(asked).toEqual([undefined]);
});

test('an abort between two pages ends it with the reason', async () => {
  const abort = new AbortController();
  const { asked, fetchPage } = script({ undefined: 'A', A: 'B' });
  const reading = async (): Promise<void> => {
    for await (const _ of readPages(fetchPage, { signal: abort.signal })) abort.abort('enough');
  };
  await expect(reading()).rejects.toBe('enough');
  expect(asked).toHaveLength(1);
});

test('however rows are split into pages, all arrive once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer(), { maxLength: 5 }), { minLength: 1 }), async (split) => {
      const pages = readPages(async (position) => {
        const at = Number(position ?? 0);
        return { rows: split[at] ?? [], next: at + 1 < split.length ? at + 1 : undefined };
      });
      expect(await collect(pages)).toEqual(split.flat());
    }),
  );
});
