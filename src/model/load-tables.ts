/** The tables of one load, and what must hold of them: shared by destinations. */
import { PlumbingError } from '../errors/index.ts';
import type { StateEntry } from './state.ts';

/** A table in a load. */
export interface TableOfLoad {
  /** Whether the next commit has something to do here. */
  readonly hasPending: boolean;
  /** Rows become visible only all together. */
  readonly isStaged: boolean;
  /** All rows have been taken. */
  isFinished: boolean;
  /** State that may be stored only with the rows that are held back. */
  readonly heldState: StateEntry[];
  /** Drops what was taken since the last commit. */
  discard(): void;
}

/** Tables by name, and the state that waits for their rows. */
export class LoadTables<Table extends TableOfLoad> implements Iterable<readonly [string, Table]> {
  readonly #isStaged: boolean;
  readonly #tables = new Map<string, Table>();
  /** Tables whose stream did not come to its end. */
  readonly #discarded = new Set<string>();
  /** State of a staged load that belongs to no table of it. */
  readonly #heldState: StateEntry[] = [];

  /** `isStaged`: the whole load becomes visible at once. */
  constructor(isStaged: boolean) {
    this.#isStaged = isStaged;
  }

  /** @throws PlumbingError `SCHEMA_INVALID` for a name that another table of the load has, in whatever case */
  requireNew(name: string): void {
    if (![...this.#tables.keys()].some((other) => other.toLowerCase() === name.toLowerCase())) return;
    throw new PlumbingError(
      'SCHEMA_INVALID',
      `two tables of one load are named "${name}" (case does not count)`,
    );
  }

  add(name: string, table: Table): void {
    this.#tables.set(name, table);
  }

  find(name: string): Table | undefined {
    return this.#tables.get(name);
  }

  /** @throws PlumbingError `SCHEMA_INVALID` when the load has no such table */
  get(name: string): Table {
    const table = this.#tables.get(name);
    if (table) return table;
    throw new PlumbingError(
      'SCHEMA_INVALID',
      `this load has no table "${name}"; it was begun with ${[...this.#tables.keys()].join(', ') || 'none'}`,
    );
  }

  all(): Table[] {
    return [...this.#tables.values()];
  }

  finished(): Table[] {
    return this.all().filter((table) => table.isFinished);
  }

  /** Notes that a table has all its rows. */
  finish(name: string): Table {
    const table = this.get(name);
    table.isFinished = true;
    this.#discarded.delete(name);
    return table;
  }

  /** Drops what a table has taken: its stream did not come to its end. */
  discard(name: string): void {
    const table = this.get(name);
    table.discard();
    table.isFinished = false;
    this.#discarded.add(name);
  }

  /** Says which tables are not complete; `undefined` when all are. */
  incomplete(): string | undefined {
    if (this.#discarded.size === 0) return undefined;
    return `not complete: ${[...this.#discarded].map((name) => `"${name}"`).join(', ')}`;
  }

  /** Splits off the state whose rows are held back, and keeps it with them; gives the rest, which is due. */
  hold(state: readonly StateEntry[]): StateEntry[] {
    const due: StateEntry[] = [];
    for (const entry of state) {
      const table = this.#tables.get(entry.stream);
      if (table?.isStaged) table.heldState.push(entry);
      else if (this.#isStaged) this.#heldState.push(entry);
      else due.push(entry);
    }
    return due;
  }

  /** The state that a staged load stores with its rows. */
  stagedState(): StateEntry[] {
    return [...this.#heldState, ...this.finished().flatMap((table) => table.heldState)];
  }

  [Symbol.iterator](): Iterator<readonly [string, Table]> {
    return this.#tables[Symbol.iterator]();
  }

  /**
   * Rows that nobody finished or discarded would be lost without a word.
   *
   * @throws PlumbingError `DEST_FAILED`
   */
  requireComplete(): void {
    for (const [name, table] of this.#tables) {
      if (!table.hasPending || (this.#isStaged && table.isFinished)) continue;
      throw new PlumbingError(
        'DEST_FAILED',
        `table "${name}" has rows that are neither finished nor discarded`,
      );
    }
  }
}

/** What a load may still do. */
export interface LoadPhase {
  readonly hasEnded: boolean;
  readonly isAudited: boolean;
}

/**
 * Refuses calls that come too late; `isLast` for those that end a load.
 *
 * @throws PlumbingError `DEST_FAILED`
 */
export function requireOpen({ hasEnded, isAudited }: LoadPhase, isLast = false): void {
  if (hasEnded) throw new PlumbingError('DEST_FAILED', 'the load has ended; begin another one');
  if (isAudited && !isLast) {
    throw new PlumbingError('DEST_FAILED', 'the load was audited; it can only be published or aborted now');
  }
}

/**
 * Refuses to publish what did not pass.
 *
 * @throws PlumbingError `CHECK_FAILED`
 */
export function requirePassed(checksFailed: boolean): void {
  if (checksFailed)
    throw new PlumbingError('CHECK_FAILED', 'checks of this load failed; it can only be aborted');
}
