/** Asks for the page that is needed next while the one before is worked on. Knows nothing of HTTP. */

/** Fetches what begins at `first`; `onReceived` is called when the answer is there, before it is parsed. */
export type FetchPage<T> = (first: number, onReceived: () => void) => Promise<T>;

/** A page that was asked for before anybody wanted it. */
interface Ahead<T> {
  readonly first: number;
  readonly page: Promise<T>;
  isReceived: boolean;
}

/**
 * Never more than one request is on its way: the next page is asked for when the page that is wanted now has arrived, and
 * travels while that one is parsed, checked and written.
 */
export class PageAhead<T> {
  readonly #fetchPage: FetchPage<T>;
  readonly #nextAfter: (first: number) => number | undefined;
  #wanted = 0;
  #ahead: Ahead<T> | undefined;

  /** `nextAfter` tells where the page after that at `first` most likely begins; `undefined` when there is none. */
  constructor(fetchPage: FetchPage<T>, nextAfter: (first: number) => number | undefined) {
    this.#fetchPage = fetchPage;
    this.#nextAfter = nextAfter;
  }

  /** The page at `first`. */
  async get(first: number): Promise<T> {
    this.#wanted = first;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead?.first === first) {
      if (ahead.isReceived) this.#lookAhead(first);
      return ahead.page;
    }
    // Another page turned out to be needed; the one that is on its way is let pass.
    await ahead?.page.catch(() => undefined);
    return this.#fetchPage(first, () => this.#lookAhead(first));
  }

  #lookAhead(from: number): void {
    const first = this.#nextAfter(from);
    if (first === undefined || this.#ahead) return;
    const page = this.#fetchPage(first, () => {
      if (this.#wanted === first) this.#lookAhead(first);
      else ahead.isReceived = true;
    });
    const ahead: Ahead<T> = { first, page, isReceived: false };
    this.#ahead = ahead;
    // It is seen when the page is wanted.
    page.catch(() => undefined);
  }
}
