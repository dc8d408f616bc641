/** Starts a sandbox bank. */
import { Bank } from './bank.ts';
import type { Fault } from './faults.ts';
import type { LoginState } from './login.ts';
import { checkOptions } from './options.ts';
import type { SandboxCredentials, SandboxOptions } from './options.ts';
import type { SandboxStats, SeenRequest } from './request-log.ts';
import { serve } from './server.ts';

/** A running sandbox bank. */
export interface ComdirectSandbox {
  /** Its origin, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** What a client logs in with. */
  readonly credentials: SandboxCredentials;
  /** The `COMDIRECT_*` variables that point a client at it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The latest 10,000 requests of clients, oldest first; those to `/sandbox/` are not among them. */
  readonly requests: readonly SeenRequest[];
  /** Locks, open challenges, wrong TANs, grants so far. */
  readonly login: LoginState;
  /** Requests, rows and faults so far. */
  readonly stats: SandboxStats;
  /** The bank's time. */
  now(): Date;
  /**
   * Sets the bank's time; it goes on from there as its clock does.
   *
   * @throws PlumbingError `CONFIG_INVALID` for an invalid date.
   */
  setNow(at: Date): void;
  /** Moves the bank's time by milliseconds. Bookings of the days between are there at once; history stays. */
  advance(ms: number): void;
  /** The person approves the latest push challenge. `false` when none is open. */
  approve(): boolean;
  /** The person rejects it. `false` when none is open. */
  reject(): boolean;
  /** The latest challenge, of whatever method, expires. `false` when none is open. */
  expire(): boolean;
  /** One more booking arrives today on every account. */
  arrive(): void;
  /** Makes something go wrong. */
  inject(fault: Fault): void;
  /** Everything goes right again. */
  clearFaults(): void;
  /** Ends all connections and the server. Calling it again does nothing. */
  close(): Promise<void>;
}

/**
 * Starts a bank with invented people on this machine. It speaks the API of comdirect as the specification and public
 * clients describe it (reference: comdirect REST API 4/2020, sections 1 to 4), and its data depend on the seed and the
 * date alone.
 *
 * It can be steered from outside, in any language: `POST /sandbox/approve`, `reject`, `expire`, `arrivals`;
 * `POST /sandbox/now` (`{"now":"2026-11-23T08:00:00Z"}`) and `POST /sandbox/advance` (`{"advanceMs":86400000}`), which
 * `POST /sandbox/clock` does either of; `POST /sandbox/faults` with a {@link Fault}, its path as text in `path` or as an
 * expression in `pathPattern`; `DELETE /sandbox/faults`; `GET /sandbox/state` and `GET /sandbox/stats`.
 *
 * @throws PlumbingError `CONFIG_INVALID` for options that cannot be meant, a host that is not this machine, or a port
 * in use.
 *
 * @example
 * ```ts
 * const bank = await startComdirectSandbox({ approveAfterMs: 100 });
 * bank.inject({ kind: 'status', status: 429, retryAfter: '1', path: '/transactions' });
 * const source = comdirect({ config: loadComdirectConfig(bank.environment), login: 'interactive' });
 * ```
 */
export async function startComdirectSandbox(options: SandboxOptions = {}): Promise<ComdirectSandbox> {
  checkOptions(options);
  const bank = new Bank(options);
  const server = await serve(bank, options.host ?? '127.0.0.1', options.port ?? 0);
  const { credentials } = bank;
  return {
    url: server.url,
    credentials,
    environment: {
      COMDIRECT_BASE_URL: server.url,
      COMDIRECT_CLIENT_ID: credentials.clientId,
      COMDIRECT_CLIENT_SECRET: credentials.clientSecret,
      COMDIRECT_USERNAME: credentials.username,
      COMDIRECT_PASSWORD: credentials.password,
    },
    requests: bank.log.requests,
    get login() {
      return bank.login.state;
    },
    get stats() {
      return bank.stats;
    },
    now: () => bank.now(),
    setNow: (at) => bank.setNow(at),
    advance: (ms) => bank.advance(ms),
    approve: () => bank.secondFactor.decide('approve'),
    reject: () => bank.secondFactor.decide('reject'),
    expire: () => bank.secondFactor.decide('expire'),
    arrive: () => bank.banking.arrive(),
    inject: (fault) => bank.faults.add(fault),
    clearFaults: () => bank.faults.clear(),
    close: () => server.close(),
  };
}
