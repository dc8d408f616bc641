/** The ledger as a source: a stream for each way in which rows are written, and no I/O. */
import { z } from 'zod';
// Not the index: hundreds of children import this, and the bank's tables there take a third of their time.
import { sqlite } from '../../src/destinations/sqlite/destination.ts';
import type { SqliteTarget } from '../../src/destinations/sqlite/options.ts';
import { decimal, defineSource, defineStream, int64, rowCount, unique } from '../../src/model/index.ts';
import type { Source } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';
import type { Pipeline, RunReport } from '../../src/pipeline/index.ts';
import {
  accountsOf,
  dayText,
  movement,
  movementsPerGeneration,
  ordersOn,
  pageRows,
  pages,
  ratesOf,
  timeOf,
} from './ledger-model.ts';

/** The source as it answers at the time of `generation`. */
export function ledger(generation: number): Source {
  const movements = defineStream({
    name: 'movements',
    schema: z.object({ id: int64(), version: int64(), amount: decimal(12, 2) }),
    primaryKey: ['id'],
    cursor: { column: 'version', order: 'ascending' },
    async *read({ from }) {
      const last = generation * movementsPerGeneration;
      for (let next = typeof from === 'number' ? from : 1; next <= last; next += pageRows) {
        const count = Math.min(pageRows, last - next + 1);
        yield Array.from({ length: count }, (_, index) => movement(next + index));
      }
    },
  });
  const rates = defineStream({
    name: 'rates',
    schema: z.object({ id: int64(), generation: int64() }),
    primaryKey: ['id'],
    write: 'replace',
    async *read() {
      const rows = ratesOf(generation);
      const size = rows.length / pages;
      for (let first = 0; first < rows.length; first += size) yield rows.slice(first, first + size);
    },
  });
  // Without a schema: its columns are found while the load is under way.
  const orders = defineStream({
    name: 'orders',
    primaryKey: ['id'],
    write: { mode: 'merge', strategy: 'delete-insert', scope: ['day'] },
    async *read() {
      for (let day = 1; day <= pages; day++) {
        yield { rows: ordersOn(day, generation), scopes: [{ day: dayText(day) }] };
      }
    },
  });
  const accounts = defineStream({
    name: 'accounts',
    schema: z.object({ id: int64(), level: int64() }),
    primaryKey: ['id'],
    write: { mode: 'merge', strategy: 'scd2', closeAbsent: true },
    async *read() {
      yield accountsOf(generation);
    },
  });
  return defineSource({ name: 'ledger', streams: [movements, rates, orders, accounts] });
}

/** How a generation is loaded. */
export interface LedgerLoad {
  readonly generation: number;
  /** All streams become visible at once, after checks. */
  readonly staged?: boolean;
  /** How long after the generation's hour. */
  readonly minute?: number;
}

/** A pipeline that commits at every page. */
export function ledgerPipeline(target: SqliteTarget, { generation, staged = false }: LedgerLoad): Pipeline {
  return {
    source: ledger(generation),
    destination: sqlite(target),
    // Never by the clock: the number of commits must not depend on how busy the machine is.
    checkpoint: { rows: pageRows, intervalMs: 3_600_000 },
    ...(staged && { checks: [rowCount('rates', { min: 2_250, max: 2_250 }), unique('orders', ['id'])] }),
  };
}

/** Loads one generation. */
export function loadLedger(target: SqliteTarget, load: LedgerLoad, signal?: AbortSignal): Promise<RunReport> {
  return run(ledgerPipeline(target, load), {
    now: () => timeOf(load.generation, load.minute),
    ...(signal && { signal }),
  });
}
