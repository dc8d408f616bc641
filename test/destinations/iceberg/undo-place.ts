/** A warehouse with a source whose rows a test decides, and all that can be seen of it. */
import { z } from 'zod';
import { iceberg } from '../../../src/destinations/iceberg/index.ts';
import { defineSource, defineStream, int64, run, undoLoad } from '../../../src/index.ts';
import type { Check, RunReport, Stream } from '../../../src/index.ts';
import type {
  Destination,
  RowObject,
  UndoReport,
  WriteMode,
  WriteModeName,
} from '../../../src/model/index.ts';
import { Warehouse } from './harness.ts';

/** A row of a test's stream. */
export type Item = Readonly<Record<string, unknown>>;

/** How a stream of the test is. */
export type Shape = Partial<Omit<Stream, 'name' | 'read' | 'schema' | 'write'>> & {
  readonly schema?: z.ZodObject;
  readonly write?: WriteMode | WriteModeName;
};

export const itemSchema = z.object({ id: int64(), note: z.string() });

/** A stream `name` that gives these rows, in batches of `batch`. */
export function streamOf(name: string, rows: readonly Item[], shape: Shape = {}, batch = 1_000): Stream {
  return defineStream({
    name,
    schema: itemSchema,
    primaryKey: ['id'],
    write: 'upsert',
    ...shape,
    async *read() {
      for (let i = 0; i < rows.length; i += batch) yield rows.slice(i, i + batch);
    },
  } as Stream & { schema: typeof itemSchema });
}

/** What a load of a test is told. */
export interface LoadOptions {
  readonly pipeline?: string;
  readonly checks?: readonly Check[];
  readonly checkpoint?: { readonly rows?: number };
}

/** Loads into a destination. */
export function load(
  destination: Destination,
  streams: readonly Stream[],
  { pipeline = 'shop', checks = [], checkpoint }: LoadOptions = {},
): Promise<RunReport> {
  const source = defineSource({ name: pipeline, streams });
  return run({ source, destination, checks, ...(checkpoint && { checkpoint }) });
}

/** All that readers see: rows with all columns, columns, cursors, and what waits in quarantine. */
export interface Contents {
  readonly tables: Readonly<
    Record<string, { readonly columns: unknown; readonly rows: readonly RowObject[] }>
  >;
  readonly state: unknown;
  readonly quarantine: unknown;
}

/** Reads all of a destination. Tables without rows count as absent unless `empty` is asked for. */
export async function contentsOf(destination: Destination, withEmpty = false): Promise<Contents> {
  const session = await destination.open({ readOnly: true });
  try {
    const { reader } = session;
    const tables: Record<string, { columns: unknown; rows: RowObject[] }> = {};
    const quarantine: unknown[] = [];
    for (const table of await reader.tables()) {
      const rows: RowObject[] = [];
      for await (const row of reader.readRows(table)) rows.push(row);
      for await (const row of reader.quarantined(table)) quarantine.push([table, row.raw, row.id]);
      const sorted = rows.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
      if (rows.length > 0 || withEmpty)
        tables[table] = { columns: await reader.columns(table), rows: sorted };
    }
    const { state } = await reader.status();
    return { tables, state, quarantine };
  } finally {
    await session.close();
  }
}

function textOf(row: RowObject): string {
  return JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** The status of a load's record. */
export async function statusOf(destination: Destination, loadId: string): Promise<string | undefined> {
  const session = await destination.open({ readOnly: true });
  try {
    const { loads } = await session.reader.status();
    return loads.find((record) => record.loadId === loadId)?.status;
  } finally {
    await session.close();
  }
}

/** A warehouse with short ways to load, take back and look. */
export class UndoPlace extends Warehouse {
  get destination(): Destination {
    return iceberg(this.options);
  }

  run(streams: readonly Stream[], options: LoadOptions = {}): Promise<RunReport> {
    return load(this.destination, streams, options);
  }

  undo(loadId: string, signal?: AbortSignal): Promise<UndoReport> {
    return undoLoad(this.destination, loadId, signal ? { signal } : {});
  }

  contents(withEmpty = false): Promise<Contents> {
    return contentsOf(this.destination, withEmpty);
  }

  status(loadId: string): Promise<string | undefined> {
    return statusOf(this.destination, loadId);
  }
}
