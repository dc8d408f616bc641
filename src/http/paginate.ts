/** Walks pages, with a guard against those that never end. */
import { PlumbingError } from '../errors/index.ts';

/** One page: its rows, and where the next one is. */
export interface Page<T> {
  readonly rows: readonly T[];
  /** Cursor, link or offset of the next page; absent, `null` or `''` at the end. */
  readonly next?: string | number | null | undefined;
}

/** Bounds of {@link readPages}. */
export interface PageOptions {
  /** Default 100,000. */
  readonly maxPages?: number;
  readonly signal?: AbortSignal;
}

/**
 * Yields the rows of each page. A page is asked for only when the one before it was taken.
 *
 * @throws PlumbingError `PAGINATION_LOOP` when a position comes twice (also A, B, A), `LIMIT_EXCEEDED` beyond
 * `maxPages`. It never ends quietly where rows may be missing.
 *
 * @example
 * ```ts
 * const pages = readPages(async (cursor) => {
 *   const body = (await http.request({ path: 'items', query: { cursor } })).json() as { items: Item[]; next?: string };
 *   return { rows: body.items, next: body.next };
 * });
 * for await (const rows of pages) yield rows;
 * ```
 */
export async function* readPages<T>(
  fetchPage: (position: string | number | undefined) => Promise<Page<T>>,
  options: PageOptions = {},
): AsyncGenerator<readonly T[], void, undefined> {
  const { maxPages = 100_000, signal } = options;
  const seen = new Set<string | number>();
  let position: string | number | undefined;
  for (let page = 1; ; page++) {
    signal?.throwIfAborted();
    if (page > maxPages)
      throw new PlumbingError(
        'LIMIT_EXCEEDED',
        `more than ${maxPages} pages; raise maxPages if that is right`,
      );
    const { rows, next } = await fetchPage(position);
    if (next !== undefined && next !== null && next !== '') {
      if (seen.has(next))
        throw new PlumbingError('PAGINATION_LOOP', `page ${page} leads back to a page that was read before`);
      seen.add(next);
      yield rows;
      position = next;
    } else {
      yield rows;
      return;
    }
  }
}
