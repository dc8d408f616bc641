/** Faults on demand. */

/** What goes wrong. */
export type FaultKind =
  /**
   * Answers with `status`, and `retryAfter` (seconds, or an HTTP date) where given. The body is a German text in Latin-1
   * for 429 (reference: quirk 21), nothing for 404 (quirk 37), a BusinessMessage else.
   */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string | undefined }
  /** Answers with `status` (default 500) and a BusinessMessage in Latin-1 that is said to be UTF-8. Reference: quirk 21. */
  | { readonly kind: 'latin1'; readonly status?: number | undefined }
  /** Breaks off in the middle of the body: `length`, before the announced length; `clean`, as if it were whole. */
  | { readonly kind: 'truncated'; readonly shape: 'length' | 'clean' }
  /** Waits real milliseconds before the headers, or in the middle of the body. */
  | { readonly kind: 'slow'; readonly part: 'headers' | 'body'; readonly delayMs: number }
  /** Resets the connection instead of answering; what was asked for is done all the same. */
  | { readonly kind: 'reset' }
  /** Does what was asked and never answers; with `part: 'body'`, never gets beyond half of the body. */
  | { readonly kind: 'hang'; readonly part?: 'headers' | 'body' | undefined }
  /** Answers 200 with an HTML page. */
  | { readonly kind: 'html' }
  /** Sends the client elsewhere (307). */
  | { readonly kind: 'redirect'; readonly location: string }
  /** Adds unknown fields to every object of the answer. Reference: quirk 26. */
  | { readonly kind: 'unknown-fields' }
  /** A booking arrives on every account just before the answer is made: between two pages, with `nth: 2`. */
  | { readonly kind: 'arrival' }
  /** The access token of the request dies just before it is looked at. */
  | { readonly kind: 'expired-token' };

/** A fault, and which requests it strikes. Without matchers, the next one. */
export type Fault = FaultKind & {
  /** E.g. `GET`. Default: any. */
  readonly method?: string | undefined;
  /** Part of the path with its query, e.g. `/transactions?`, or an expression for it, e.g. `/paging-first=[1-9]/`. Default: any. */
  readonly path?: string | RegExp | undefined;
  /** Strikes from this matching request on, counted from 1. Default 1. */
  readonly nth?: number | undefined;
  /** How often it strikes. Default 1; 0 stands for always. */
  readonly times?: number | undefined;
};

/** Decides which requests are struck. */
export class FaultPlan {
  #faults: { fault: Fault; seen: number; struck: number }[] = [];
  #struck = 0;

  /** How often faults have struck so far. */
  get struck(): number {
    return this.#struck;
  }

  /** Adds a fault. */
  add(fault: Fault): void {
    this.#faults.push({ fault, seen: 0, struck: 0 });
  }

  /** Forgets all faults. */
  clear(): void {
    this.#faults = [];
  }

  /** The faults that strike this request. */
  strike(method: string, url: string): Fault[] {
    const struck: Fault[] = [];
    for (const entry of this.#faults) {
      const { fault } = entry;
      if (fault.method !== undefined && fault.method !== method) continue;
      if (fault.path !== undefined && !matches(url, fault.path)) continue;
      entry.seen++;
      const times = fault.times ?? 1;
      if (entry.seen < (fault.nth ?? 1) || (times !== 0 && entry.struck >= times)) continue;
      entry.struck++;
      this.#struck++;
      struck.push(fault);
    }
    return struck;
  }
}

function matches(url: string, path: string | RegExp): boolean {
  // `search` starts at the beginning, whatever a global expression remembers.
  return typeof path === 'string' ? url.includes(path) : url.search(path) >= 0;
}

/** `json` with fields that no client knows, in each of its objects. */
export function addUnknownFields(json: string): string {
  return JSON.stringify(withUnknown(JSON.parse(json)));
}

function withUnknown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withUnknown);
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.entries(value).map(([key, item]) => [key, withUnknown(item)] as const);
  return { ...Object.fromEntries(known), inventedLater: 'new', inventedObject: { depth: 1 } };
}
