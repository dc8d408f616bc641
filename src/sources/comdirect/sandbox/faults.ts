/** Faults on demand. */

/** What goes wrong. */
export type FaultKind =
  /** Answers with `status`, and `retryAfter` where given. The body is a German text in Latin-1 for 429, empty for 404, a BusinessMessage else. */
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** Breaks off in the middle of the body: `length`, the connection dies early; `clean`, the answer ends as if it were whole. */
  | { readonly kind: 'truncated'; readonly shape: 'length' | 'clean' }
  /** Waits before the headers, or in the middle of the body. */
  | { readonly kind: 'slow'; readonly part: 'headers' | 'body'; readonly delayMs: number }
  /** Ends the connection without an answer. */
  | { readonly kind: 'reset' }
  /** Does what was asked and never answers. */
  | { readonly kind: 'hang' }
  /** Answers 200 with an HTML page. */
  | { readonly kind: 'html' }
  /** Sends the client elsewhere. */
  | { readonly kind: 'redirect'; readonly location: string }
  /** Adds unknown fields to every object of the answer. */
  | { readonly kind: 'unknown-fields' }
  /** A booking arrives on every giro account just before the answer is made. */
  | { readonly kind: 'arrival' }
  /** The access token of the request dies just before it is looked at. */
  | { readonly kind: 'expired-token' };

/** A fault, and where it strikes. */
export type Fault = FaultKind & {
  readonly method?: string;
  /** Part of the path with its query, e.g. `/transactions?` or `paging-first=490`. */
  readonly path?: string;
  /** Strikes from this matching request on, counted from 1. Default 1. */
  readonly nth?: number;
  /** How often it strikes. Default 1; 0 stands for always. */
  readonly times?: number;
};

/** Decides which requests are struck. */
export class FaultPlan {
  #faults: { fault: Fault; seen: number; struck: number }[] = [];

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
      if (fault.path !== undefined && !url.includes(fault.path)) continue;
      entry.seen++;
      const times = fault.times ?? 1;
      if (entry.seen < (fault.nth ?? 1) || (times !== 0 && entry.struck >= times)) continue;
      entry.struck++;
      struck.push(fault);
    }
    return struck;
  }
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
