/** What clients have asked for. */
import type { IncomingHttpHeaders } from 'node:http';

const maxLogged = 10_000;
/** Never `authorization`, nor `x-once-authentication`, which is the TAN itself. */
const safeHeaders = [
  'accept',
  'content-type',
  'user-agent',
  'x-http-request-info',
  'x-http-method-override',
  'x-once-authentication-info',
];

/** A request of a client and what came of it. No body, no token, no TAN. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Without query. */
  readonly path: string;
  /** What follows the `?`, as sent. */
  readonly query: string;
  /** Of these, what was sent: `accept`, `content-type`, `user-agent` and the bank's own headers except the TAN. */
  readonly headers: Readonly<Record<string, string>>;
  /** The status of the answer, also of one that a fault kept back. */
  readonly status: number;
}

/** Counts since the start. */
export interface SandboxStats {
  /** All requests of clients, also those that the log has forgotten. */
  readonly requests: number;
  /** How many of them were answered with a status. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Transactions sent, booked and pending. */
  readonly rows: number;
  /** Faults that have struck. */
  readonly faults: number;
}

/** The latest requests, and how many there were. */
export class RequestLog {
  /** Oldest first. */
  readonly requests: SeenRequest[] = [];
  readonly byStatus: Record<string, number> = {};
  total = 0;

  /** Remembers a request. */
  add(method: string, url: string, headers: IncomingHttpHeaders, status: number): void {
    this.total++;
    this.byStatus[status] = (this.byStatus[status] ?? 0) + 1;
    const end = url.indexOf('?');
    const shown: Record<string, string> = {};
    for (const name of safeHeaders) {
      const value = headers[name];
      if (typeof value === 'string') shown[name] = value;
    }
    this.requests.push({
      method,
      url,
      path: end < 0 ? url : url.slice(0, end),
      query: end < 0 ? '' : url.slice(end + 1),
      headers: shown,
      status,
    });
    if (this.requests.length > maxLogged) this.requests.shift();
  }
}
