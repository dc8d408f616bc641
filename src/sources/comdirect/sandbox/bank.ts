/** The bank as a whole: its clock, its people, its moods. */
import { SandboxAccount } from './account.ts';
import { ok } from './answers.ts';
import type { Answer } from './answers.ts';
import { Banking } from './banking.ts';
import { bankDay } from './calendar.ts';
import { FaultPlan } from './faults.ts';
import type { Fault } from './faults.ts';
import { Login } from './login.ts';
import { defaultCredentials } from './options.ts';
import type { SandboxCredentials, SandboxOptions } from './options.ts';

/** Everything behind the server. */
export class Bank {
  readonly credentials: SandboxCredentials;
  readonly login: Login;
  readonly banking: Banking;
  readonly faults = new FaultPlan();
  readonly strictHeaders: boolean;
  readonly #perSecond: number | undefined;
  readonly #clock: () => Date;
  /** Overrides the clock from outside. */
  #set: { readonly at: Date; readonly sinceMs: number } | undefined;
  #aheadMs = 0;
  #second = 0;
  #requestsInSecond = 0;

  constructor(options: SandboxOptions) {
    this.credentials = { ...defaultCredentials, ...options.credentials };
    this.strictHeaders = options.strictHeaders ?? false;
    this.#perSecond = options.rateLimitPerSecond;
    this.#clock = options.now ?? (() => new Date());
    this.login = new Login({
      credentials: this.credentials,
      nowMs: () => this.now().getTime(),
      accessTokenSeconds: options.accessTokenSeconds ?? 599,
      refreshTokenSeconds: options.refreshTokenSeconds ?? 1200,
      tanMethods: options.tanMethods ?? ['P_TAN_PUSH', 'P_TAN', 'M_TAN'],
      pushLink: options.pushLink ?? true,
      approval: options.approval ?? 'automatic',
      approveAfterMs: options.approveAfterMs ?? 500,
      tan: options.tan ?? '123456',
      revokeOnReuse: options.revokeOnReuse ?? false,
    });
    const firstDay = bankDay(this.now()) - (options.historyDays ?? 730);
    const accounts = Array.from({ length: options.accounts ?? 3 }, (_, index) => {
      return new SandboxAccount({
        seed: options.seed ?? 1,
        index,
        clientId: this.login.clientUuid,
        firstDay,
        perDay: options.transactionsPerDay ?? 2,
      });
    });
    this.banking = new Banking(accounts, () => this.now());
    for (const fault of options.faults ?? []) this.faults.add(fault);
  }

  now(): Date {
    const base = this.#set
      ? this.#set.at.getTime() + performance.now() - this.#set.sinceMs
      : this.#clock().getTime();
    return new Date(base + this.#aheadMs);
  }

  setNow(at: Date): void {
    this.#set = { at, sinceMs: performance.now() };
    this.#aheadMs = 0;
  }

  advance(ms: number): void {
    this.#aheadMs += ms;
  }

  /** Counts a request below `/api` against the limit of the current second. */
  isOverLimit(): boolean {
    if (this.#perSecond === undefined) return false;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#requestsInSecond = 0;
    }
    return ++this.#requestsInSecond > this.#perSecond;
  }

  /** The control endpoints below `/sandbox/`, for the command line and for tests in other languages. */
  control(method: string, url: URL, body: string): Answer {
    const path = url.pathname.slice('/sandbox/'.length);
    if (method === 'GET' && path === 'state') {
      return ok(JSON.stringify({ now: this.now().toISOString(), ...this.login.state }));
    }
    if (method === 'DELETE' && path === 'faults') {
      this.faults.clear();
      return done;
    }
    if (method !== 'POST') return ok('{"error":"unknown control"}', 404);
    switch (path) {
      case 'approve':
      case 'reject':
      case 'expire':
        return this.login.decide(path) ? done : ok('{"error":"no open challenge"}', 409);
      case 'arrivals':
        this.banking.arrive();
        return done;
      case 'clock':
        return this.#controlClock(body);
      case 'faults':
        return this.#controlFault(body);
      default:
        return ok('{"error":"unknown control"}', 404);
    }
  }

  #controlClock(body: string): Answer {
    const { now, advanceMs } = parse<{ now?: unknown; advanceMs?: unknown }>(body);
    const at = typeof now === 'string' ? new Date(now) : undefined;
    if (at && !Number.isNaN(at.getTime())) this.setNow(at);
    else if (typeof advanceMs === 'number') this.advance(advanceMs);
    else return ok('{"error":"expected now (ISO 8601) or advanceMs (number)"}', 400);
    return done;
  }

  #controlFault(body: string): Answer {
    const fault = parse<Partial<Fault>>(body);
    if (typeof fault.kind !== 'string') return ok('{"error":"expected a fault with a kind"}', 400);
    this.faults.add(fault as Fault);
    return done;
  }
}

const done = ok('{"ok":true}');

function parse<T extends object>(body: string): Partial<T> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
