/** Reads a list by offset while rows come and go at its top. Knows nothing of HTTP. */
import { PlumbingError } from '../../errors/index.ts';
import { stringifyJson } from '../../model/index.ts';
import { PageAhead } from './page-ahead.ts';
import type { FetchPage } from './page-ahead.ts';
import { PageKeys } from './page-keys.ts';

/** One page of a list. */
export interface ListPage {
  readonly rows: readonly unknown[];
  /** How many rows the list has in all, if the server says so. */
  readonly matches: number | undefined;
}

/** How a list is read. */
export interface ShiftingPagesOptions {
  /** Rows asked for with one request, at least 2. */
  readonly pageSize: number;
  /** Hard limit of requests. */
  readonly maxPages: number;
  /** What the list holds, for messages, e.g. `booked transactions`. */
  readonly what: string;
}

/** Rows that are read twice at each page border, to see whether the list has moved. */
const overlapRows = 5;
/** How often the read may go back because rows vanished. */
const maxRewinds = 5;
/** How many pages may bring nothing new although more is announced. */
const maxIdlePages = 2;

/**
 * Yields every row of the list, page by page, each page without the rows that an earlier one had.
 *
 * Pages overlap. Rows that arrive at the top push the list down, which only repeats rows; rows that vanish pull it up,
 * so that the next page no longer begins with a known row: then it goes back until one does. Neither a short page nor
 * the announced total alone ends the list, so that one of them may be wrong without losing a row. Rows are compared by their
 * `reference`; only those of the last two pages are remembered, so a row may come twice after much movement.
 *
 * @throws PlumbingError `PAGINATION_LOOP` (retryable) when the server announces more rows than it gives, however
 * often it is asked; `LIMIT_EXCEEDED` when the list does not end.
 */
export async function* readShiftingPages(
  fetchPage: FetchPage<ListPage>,
  { pageSize, maxPages, what }: ShiftingPagesOptions,
): AsyncGenerator<readonly unknown[], void, undefined> {
  const pass = new Pass();
  let limit = maxPages;
  let first = 0;
  let overlap = 0;
  let rewinds = 0;
  let idlePages = 0;
  // Pages before this position are read again: that they bring nothing new says nothing.
  let resumeAt = 0;
  let matches = 0;
  let read = 1;
  const pages = new PageAhead(fetchPage, (from) => {
    const next = from + pageSize - overlapOf(pageSize);
    return next < matches && read < limit ? next : undefined;
  });
  for (; ; read++) {
    if (read > limit) throw endless(what, limit);
    const page = await pages.get(first);
    matches = page.matches ?? 0;
    if (read === 1 && page.matches !== undefined) limit = Math.min(maxPages, pageLimit(page));
    const keys = new PageKeys(page.rows.map(keyOf));
    if (first > 0 && overlap > 0 && !pass.isKnown(keys, 0)) {
      // Rows above have vanished: those between the last page and this one would be lost.
      rewinds++;
      if (rewinds > maxRewinds) throw incomplete(what, pass);
      resumeAt = first;
      first = Math.max(0, first - pageSize + overlap);
      if (first === 0) pass.restart();
      continue;
    }
    const isRepeated = pass.isPrevious(keys);
    const fresh = pass.take(page, keys);
    if (fresh.length > 0) yield fresh;
    const got = page.rows.length;
    // Where no total is announced, only a page without anything new says that this was all.
    const isLast =
      page.matches === undefined
        ? fresh.length === 0 && first >= resumeAt
        : got < pageSize && first + got >= page.matches;
    // So many rows arrived that the whole page was pushed down: what is new lies further on.
    const isPushedDown = fresh.length === 0 && got >= pageSize && first + got < (page.matches ?? 0);
    const isIdle = fresh.length === 0 && (!isPushedDown || isRepeated) && (got === 0 || first >= resumeAt);
    if (pass.isComplete && (isLast || (isIdle && !isPushedDown))) return;
    if (isIdle) {
      // More is announced. Once the same page again, then all of it again, then no more.
      idlePages++;
      if (idlePages > maxIdlePages) throw incomplete(what, pass);
      if (idlePages < maxIdlePages) continue;
      resumeAt = first + got;
      first = 0;
      pass.restart();
      continue;
    }
    overlap = overlapOf(got);
    first += got - overlap;
  }
}

/** Rows of a page that the next one shall repeat. */
function overlapOf(rows: number): number {
  return Math.min(overlapRows, rows >> 1);
}

/** What one pass over the list, from its top, has seen. */
class Pass {
  #older = new PageKeys([]);
  #previous = new PageKeys([]);
  #distinct = 0;
  #announced: number | undefined;
  #hasForgotten = false;

  get distinct(): number {
    return this.#distinct;
  }

  /** The smallest total that the server gave. */
  get announced(): number | undefined {
    return this.#announced;
  }

  get isComplete(): boolean {
    return this.#announced === undefined || this.#distinct >= this.#announced;
  }

  /** Begins again at the top. While every row is still remembered, none comes twice. */
  restart(): void {
    this.#announced = undefined;
    if (!this.#hasForgotten) return;
    this.#older = new PageKeys([]);
    this.#previous = new PageKeys([]);
    this.#distinct = 0;
    this.#hasForgotten = false;
  }

  /** Whether the key at `index` was on one of the last two pages. */
  isKnown(page: PageKeys, index: number): boolean {
    return this.#previous.has(page, index) || this.#older.has(page, index);
  }

  /** Whether the page before had just these rows: a server that does not heed the position repeats itself. */
  isPrevious(page: PageKeys): boolean {
    const { keys } = page;
    return keys.length === this.#previous.size && keys.every((_, index) => this.#previous.has(page, index));
  }

  /** The rows of the page that are not known yet. */
  take({ rows, matches }: ListPage, page: PageKeys): readonly unknown[] {
    const fresh = rows.filter((_, index) => !this.isKnown(page, index));
    this.#distinct += fresh.length;
    if (matches !== undefined) this.#announced = Math.min(this.#announced ?? matches, matches);
    if (rows.length > 0) {
      this.#hasForgotten ||= this.#older.size > 0;
      this.#older = this.#previous;
      this.#previous = page;
    }
    return fresh;
  }
}

/** The whole reference is the key: siblings share its first part. A row without one is told apart by its content. */
function keyOf(row: unknown): string {
  const reference = (row as { reference?: unknown } | null)?.reference;
  return typeof reference === 'string' && reference.trim() !== '' ? reference : stringifyJson(row);
}

/** Twice the pages that the first one lets expect, and some more. */
function pageLimit({ rows, matches = 0 }: ListPage): number {
  const advance = Math.max(1, rows.length - overlapOf(rows.length));
  return 100 + 2 * Math.ceil(matches / advance);
}

function incomplete(what: string, { announced, distinct }: Pass): PlumbingError {
  return new PlumbingError(
    'PAGINATION_LOOP',
    `${what}: the bank announces ${announced ?? 'more'} rows, but ${distinct} could be read, also after reading again; the list may be changing, run again later`,
    { retryable: true, context: { announced, read: distinct } },
  );
}

function endless(what: string, limit: number): PlumbingError {
  return new PlumbingError(
    'LIMIT_EXCEEDED',
    `${what}: the list has not ended after ${limit} pages; read a shorter period, or raise maxPages`,
    { context: { pages: limit } },
  );
}
