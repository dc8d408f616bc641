/** Starts a sandbox bank. */
import { PlumbingError } from '../../../errors/index.ts';
import { Bank } from './bank.ts';
import type { Fault } from './faults.ts';
import type { LoginState } from './login.ts';
import type { SandboxCredentials, SandboxOptions } from './options.ts';
import { serve } from './server.ts';
import type { SeenRequest } from './server.ts';

/** A running sandbox bank. */
export interface ComdirectSandbox {
  /** Its origin, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly credentials: SandboxCredentials;
  /** The `COMDIRECT_*` variables that point a client at it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The latest 10,000 requests of clients, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Locks, open challenges, wrong TANs, grants so far. */
  readonly login: LoginState;
  /** The bank's time. */
  now(): Date;
  /** Sets the bank's time; it goes on from there. */
  setNow(at: Date): void;
  /** Moves the bank's time. */
  advance(ms: number): void;
  /** The person approves the latest push challenge. `false` when none is open. */
  approve(): boolean;
  /** The person rejects it. */
  reject(): boolean;
  /** It expires. */
  expire(): boolean;
  /** Makes something go wrong. */
  inject(fault: Fault): void;
  /** Everything goes right again. */
  clearFaults(): void;
  close(): Promise<void>;
}

/**
 * Starts a bank with invented people on this machine. It speaks the API of comdirect as the specification and public
 * clients describe it, faults included, and its data depend on the seed and the date alone.
 *
 * `POST /sandbox/approve|reject|expire|arrivals|clock|faults`, `DELETE /sandbox/faults` and `GET /sandbox/state` steer it
 * from outside.
 *
 * @throws PlumbingError `CONFIG_INVALID` for a host that is not this machine.
 *
 * @example
 * ```ts
 * const bank = await startComdirectSandbox({ approveAfterMs: 100 });
 * bank.inject({ kind: 'status', status: 429, retryAfter: '1', path: '/transactions' });
 * const source = comdirect({ config: loadComdirectConfig(bank.environment), login: 'interactive' });
 * ```
 */
export async function startComdirectSandbox(options: SandboxOptions = {}): Promise<ComdirectSandbox> {
  const host = options.host ?? '127.0.0.1';
  if (!/^(localhost|::1|127(\.\d{1,3}){3})$/.test(host)) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      `a sandbox bank listens on this machine only; ${host} is no loopback address`,
    );
  }
  const bank = new Bank(options);
  const server = await serve(bank, host, options.port ?? 0);
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
    requests: server.requests,
    get login() {
      return bank.login.state;
    },
    now: () => bank.now(),
    setNow: (at) => bank.setNow(at),
    advance: (ms) => bank.advance(ms),
    approve: () => bank.login.decide('approve'),
    reject: () => bank.login.decide('reject'),
    expire: () => bank.login.decide('expire'),
    inject: (fault) => bank.faults.add(fault),
    clearFaults: () => bank.faults.clear(),
    close: () => server.close(),
  };
}
