/** What a file holds of the ledger, read as another program would, and what must hold at any moment. */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { accountVersions, movementsAt, movementsPerGeneration, ordersOf, ratesOf } from './ledger-model.ts';

type Rows = readonly Record<string, unknown>[];
type Query = (sql: string) => Rows;

/** How far a file has come. Generation 0: nothing. */
export interface Progress {
  /** Movements up to this one are stored. */
  readonly cursor: number;
  readonly rates: number;
  readonly orders: number;
  readonly accounts: number;
  /** A load was under way when its process ended. */
  readonly isRunning: boolean;
}

const nothing: Progress = { cursor: 0, rates: 0, orders: 0, accounts: 0, isRunning: false };
const tables = ['movements', 'rates', 'orders', 'accounts'];

/** Opens the file, which recovers its log when the writer has died. Tables that are missing are empty. */
function withRows<T>(path: string, work: (query: Query) => T): T {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA busy_timeout = 5000');
    return work((sql) => db.prepare(sql).all());
  } finally {
    db.close();
  }
}

function names(query: Query): string[] {
  return query("SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => String(name));
}

/**
 * Expects a file that a crash may leave: whole, each table in a state that some commit gave it, and the cursor exactly
 * at the last movement that is stored. `isStaged` tells which generations are shown only as a whole.
 */
export function expectSound(path: string, isStaged = (_generation: number): boolean => false): Progress {
  if (!existsSync(path)) return nothing;
  return withRows(path, (query) => {
    expect(query('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
    const known = new Set(names(query));
    const rows = (table: string, sql: string): Rows => (known.has(table) ? query(sql) : []);
    expect([...known].filter((name) => /_plumbing_(staging|rebuild)/.test(name))).toEqual([]);

    const [state] = query("SELECT state FROM _plumbing_state WHERE stream = 'movements'");
    const cursor = state ? (JSON.parse(String(state['state'])) as { cursor: number }).cursor : 0;
    expectRows(
      rows('movements', 'SELECT id, version, amount FROM movements ORDER BY id'),
      movementRows(cursor),
    );

    const stored = rows('rates', 'SELECT id, generation FROM rates ORDER BY id');
    const rates = Number(stored[0]?.['generation'] ?? 0);
    expectRows(stored, ratesOf(rates));

    const storedOrders = rows('orders', 'SELECT * FROM orders ORDER BY id');
    const orders = Number(storedOrders[0]?.['generation'] ?? 0);
    expectRows(storedOrders.map(orderOf), ordersOf(orders));

    const versions = accountRows(rows('accounts', accountSql));
    const accounts = [rates, rates - 1].find((generation) => isEqual(versions, accountVersions(generation)));
    if (accounts === undefined) expectRows(versions, accountVersions(rates));

    const running = query("SELECT count(*) AS n FROM _plumbing_loads WHERE status = 'running'")[0]?.['n'];
    expect(running).toBeLessThanOrEqual(1);
    const progress = { cursor, rates, orders, accounts: accounts ?? -1, isRunning: running === 1 };
    expectInOrder(progress, isStaged);
    return progress;
  });
}

/** Streams are loaded one after the other; a staged load shows all of them or none. */
function expectInOrder(
  { cursor, rates, orders, accounts }: Progress,
  isStaged: (generation: number) => boolean,
): void {
  const generation = Math.ceil(cursor / movementsPerGeneration);
  const isComplete = cursor === generation * movementsPerGeneration;
  if (isStaged(generation)) {
    expect([cursor, rates, orders, accounts]).toEqual([
      generation * movementsPerGeneration,
      generation,
      generation,
      generation,
    ]);
  } else if (isComplete) {
    const all = [generation, rates, orders, accounts, Math.max(0, generation - 1)];
    expect(all).toEqual(all.toSorted((a, b) => b - a));
  } else {
    expect([rates, orders, accounts]).toEqual([generation - 1, generation - 1, generation - 1]);
  }
}

/** Expects that exactly `generation` is stored, by the model alone. */
export function expectLoaded(path: string, generation: number): void {
  expect(expectSound(path)).toEqual({
    cursor: generation * movementsPerGeneration,
    rates: generation,
    orders: generation,
    accounts: generation,
    isRunning: false,
  });
}

/** All rows of all tables and all state, but for the ids of loads; times are those of the generations. */
export function contentOf(path: string): Record<string, string[]> {
  return withRows(path, (query) => {
    const known = names(query).filter((name) => !name.startsWith('_plumbing_') && name !== 'sqlite_sequence');
    expect(known.toSorted()).toEqual(tables.toSorted());
    const content = known.map((name): [string, string[]] => [
      name,
      query(`SELECT * FROM ${name}`)
        .map((row) => JSON.stringify({ ...row, _plumbing_load_id: '' }, hoursOnly))
        .toSorted(),
    ]);
    const state = query('SELECT pipeline, stream, partition, state FROM _plumbing_state ORDER BY stream');
    return { ...Object.fromEntries(content), state: state.map((row) => JSON.stringify(row)) };
  });
}

function hoursOnly(key: string, value: unknown): unknown {
  return key.endsWith('_ts') && typeof value === 'string' ? value.slice(0, 13) : value;
}

const accountSql = 'SELECT id, level, _valid_from_ts, _valid_to_ts FROM accounts ORDER BY id, _valid_from_ts';

/** The hours as numbers of generations, in their order. */
function accountRows(rows: Rows): Rows {
  const versions = rows.map(({ id, level, _valid_from_ts: from, _valid_to_ts: to }) => ({
    id,
    level,
    from: String(from).slice(0, 13),
    to: to === null ? null : String(to).slice(0, 13),
  }));
  const hours = [
    ...new Set(versions.flatMap(({ from, to }) => (to === null ? [from] : [from, to]))),
  ].toSorted();
  const generations = new Map(hours.map((hour, index) => [hour, index + 1]));
  return versions.map(({ from, to, ...row }) => ({
    ...row,
    from: generations.get(from),
    to: to === null ? null : generations.get(to),
  }));
}

function movementRows(cursor: number): Rows {
  return movementsAt(cursor).map((row) => ({ ...row, amount: Number(row.amount) }));
}

function orderOf({ id, day, generation, size, memo }: Record<string, unknown>): Record<string, unknown> {
  return { id, day, generation, size, ...(typeof memo === 'string' && { memo }) };
}

function isEqual(stored: readonly unknown[], model: readonly unknown[]): boolean {
  return JSON.stringify(stored) === JSON.stringify(model);
}

/** Texts first: a deep comparison of thousands of rows is slow, and is only wanted for its message. */
function expectRows(stored: readonly unknown[], model: readonly unknown[]): void {
  if (!isEqual(stored, model)) expect(stored).toEqual(model);
}
