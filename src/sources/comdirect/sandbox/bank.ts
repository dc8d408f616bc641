/** The bank as a whole: its clock, its people, its moods. */
import { PlumbingError } from '../../../errors/index.ts';
import { SandboxAccount } from './account.ts';
import { Banking } from './banking.ts';
import { bankDay } from './calendar.ts';
import { FaultPlan } from './faults.ts';
import { Login } from './login.ts';
import { accountTypesOf, defaultCredentials } from './options.ts';
import type { SandboxCredentials, SandboxOptions } from './options.ts';
import { mix, upperHex } from './random.ts';
import { RequestLog } from './request-log.ts';
import type { SandboxStats } from './request-log.ts';
import { SecondFactor } from './second-factor.ts';

/** Everything behind the server. */
export class Bank {
  readonly credentials: SandboxCredentials;
  readonly secondFactor: SecondFactor;
  readonly login: Login;
  readonly banking: Banking;
  readonly faults = new FaultPlan();
  readonly log = new RequestLog();
  readonly strictHeaders: boolean;
  readonly #perSecond: number;
  readonly #clock: () => Date;
  #aheadMs = 0;
  #second = 0;
  #requestsInSecond = 0;

  constructor(options: SandboxOptions) {
    this.credentials = { ...defaultCredentials, ...options.credentials };
    this.strictHeaders = options.strictHeaders ?? false;
    this.#perSecond = options.rateLimitPerSecond ?? Infinity;
    this.#clock = options.now ?? (() => new Date());
    if (options.today !== undefined) this.setNow(new Date(`${options.today}T12:00:00Z`));
    this.secondFactor = new SecondFactor(options);
    this.login = new Login(options, {
      credentials: this.credentials,
      secondFactor: this.secondFactor,
      nowMs: () => this.now().getTime(),
    });
    const seed = options.seed ?? 1;
    const clientId = upperHex(mix(seed, 0, 0, 0));
    const firstDay = bankDay(this.now()) - (options.historyDays ?? 730);
    const perDay = options.transactionsPerDay ?? 2;
    const accounts = accountTypesOf(options.accounts).map(
      (type, index) => new SandboxAccount({ type, seed, index, clientId, firstDay, perDay }),
    );
    this.banking = new Banking(accounts, () => this.now());
    for (const fault of options.faults ?? []) this.faults.add(fault);
  }

  /** The bank's time. */
  now(): Date {
    return new Date(this.#clock().getTime() + this.#aheadMs);
  }

  /** Sets the bank's time; it goes on from there as its clock does. */
  setNow(at: Date): void {
    this.#moveTo(at.getTime());
  }

  /** Moves the bank's time. */
  advance(ms: number): void {
    this.#moveTo(this.now().getTime() + ms);
  }

  #moveTo(ms: number): void {
    if (Number.isNaN(new Date(ms).getTime())) {
      throw new PlumbingError('CONFIG_INVALID', 'the sandbox bank was given a time that is none');
    }
    this.#aheadMs = ms - this.#clock().getTime();
  }

  /** Whether this request is one too many. */
  isOverLimit(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#requestsInSecond = 0;
    }
    return ++this.#requestsInSecond > this.#perSecond;
  }

  get stats(): SandboxStats {
    const { total, byStatus } = this.log;
    return {
      requests: total,
      byStatus: { ...byStatus },
      rows: this.banking.rowsSent,
      faults: this.faults.struck,
    };
  }
}
