/** What every conformance case works with: a fresh place, sessions, loads, and rows compared value by value. */
import { deepStrictEqual } from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  Column,
  Destination,
  Load,
  LoadInfo,
  LogicalType,
  Row,
  RowObject,
  StateEntry,
  TableDefinition,
  Value,
  WriteMode,
} from '../../model/index.ts';

/** Makes the destination under test at a place of its own; `folder` is empty and removed afterwards. */
export type MakeDestination = (folder: string) => Destination;

/** A fault of what a destination stands on, e.g. a disk, a lock, a catalog. */
export interface DestinationFault {
  readonly name: string;
  /** Brings it about for the destination in `folder`; the function that is returned ends it. */
  begin(folder: string): Promise<() => Promise<void>>;
}

/** What the cases need that go beyond one process. */
export interface ConformanceOptions {
  /**
   * URL of a module that exports `makeDestination`: children that are killed (case 21) or measured (case 27) import it.
   * Without it these two cases fail, and say so.
   */
  readonly module?: string | URL;
  /**
   * `load`: the destination shows nothing of a load before it is published, and makes missing tables only then. Default `table`: what
   * is committed by `checkpoint` and `finishTable` is visible at once.
   */
  readonly visibility?: 'table' | 'load';
  /** For case 29: each must end a run with an error of a code `DEST_*` or `COMMIT_*`. */
  readonly faults?: readonly DestinationFault[];
}

/** One case. */
export interface ConformanceCase {
  /** Number in the list of docs/conformance.md. */
  readonly id: number;
  /** What must hold, as a sentence. */
  readonly title: string;
  /** Rejects when it does not. */
  run(): Promise<void>;
}

let serial = 0;

/** A UUIDv7-shaped id; later ones sort after earlier ones. */
export function nextLoadId(): string {
  serial++;
  return `019a0000-0000-7000-8000-${serial.toString(16).padStart(12, '0')}`;
}

/** A column whose path is its name. */
export function column(name: string, type: LogicalType, nullable = true): Column {
  return { name, type, nullable, path: [name] };
}

/** A table of `columns`, keyed by the names in `primaryKey`. */
export function tableWith(
  columns: readonly Column[],
  write: WriteMode = { mode: 'append' },
  primaryKey: readonly string[] = [],
  name = 't',
): TableDefinition {
  return { name, columns, write, primaryKey };
}

/** The place of one case. */
export class Place {
  readonly folder: string;
  readonly options: ConformanceOptions;
  readonly #make: MakeDestination;

  constructor(folder: string, make: MakeDestination, options: ConformanceOptions) {
    this.folder = folder;
    this.options = options;
    this.#make = make;
  }

  /** The same in another folder. */
  at(folder: string): Place {
    return new Place(folder, this.#make, this.options);
  }

  /** The destination at this place; a new object each time, as a new process would have. */
  destination(): Destination {
    return this.#make(this.folder);
  }

  /** Begins a load, hands it to `work`, and ends it: publishes, or aborts when `work` fails. */
  async load(
    tables: readonly TableDefinition[],
    work: (load: Load) => Promise<void>,
    info: Partial<LoadInfo> = {},
  ): Promise<Load> {
    const session = await this.destination().open();
    try {
      const load = await session.begin({
        loadId: nextLoadId(),
        pipeline: 'conformance',
        startedAt: '2026-11-23T07:00:00.000000Z',
        day: '2026-11-23',
        staged: false,
        signal: new AbortController().signal,
        tables,
        ...info,
      });
      try {
        await work(load);
        deepStrictEqual((await load.publish()).outcome, 'committed');
      } catch (error) {
        await load.abort('the case failed');
        throw error;
      }
      return load;
    } finally {
      await session.close();
    }
  }

  /** One load of one table, from rows to its end. */
  async write(
    table: TableDefinition,
    rows: readonly Row[],
    info: Partial<LoadInfo> = {},
    state: readonly StateEntry[] = [],
  ): Promise<Load> {
    return this.load(
      [table],
      async (load) => {
        await load.write(table.name, rows);
        deepStrictEqual((await load.finishTable(table.name, state)).outcome, 'committed');
      },
      info,
    );
  }

  /** All rows of a table, ordered by their JSON text, without the bookkeeping columns. */
  async rows(table = 't', columns?: readonly string[]): Promise<RowObject[]> {
    const session = await this.destination().open({ readOnly: true });
    try {
      const found: RowObject[] = [];
      if (this.options.visibility === 'load' && !(await session.reader.columns(table))) return found;
      for await (const row of session.reader.readRows(table, columns ? { columns } : {})) {
        found.push(columns ? row : withoutBookkeeping(row));
      }
      return found.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
    } finally {
      await session.close();
    }
  }

  /** The stored state of the conformance pipeline. */
  async state(): Promise<StateEntry[]> {
    const session = await this.destination().open({ readOnly: true });
    try {
      return (await session.readState('conformance')).entries();
    } finally {
      await session.close();
    }
  }
}

/** Runs `work` at a fresh place and removes it. */
export async function atFreshPlace(
  make: MakeDestination,
  options: ConformanceOptions,
  work: (place: Place) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbing-conformance-'));
  try {
    await work(new Place(folder, make, options));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `actual` holds exactly these rows, in any order. */
export function sameRows(actual: readonly RowObject[], expected: readonly RowObject[]): void {
  const order = (rows: readonly RowObject[]): RowObject[] =>
    rows.map((row) => ({ ...row })).toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  deepStrictEqual(order(actual), order(expected));
}

function withoutBookkeeping(row: RowObject): RowObject {
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => !/^_(plumbing|inserted|valid)_/.test(name)),
  );
}

function textOf(row: RowObject): string {
  return JSON.stringify(row, (_key, value: Value) => (typeof value === 'bigint' ? `${value}n` : value));
}
