/** A warehouse of its own for each test, and short ways to load and read. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lakehouse } from '../../../src/destinations/iceberg/lakehouse.ts';
import { openLakehouse } from '../../../src/destinations/iceberg/open-lakehouse.ts';
import { resolveOptions } from '../../../src/destinations/iceberg/options.ts';
import type { IcebergOptions } from '../../../src/destinations/iceberg/options.ts';
import { IcebergSession } from '../../../src/destinations/iceberg/session.ts';
import type { Catalog } from '../../../src/iceberg/catalog.ts';
import type {
  Load,
  LoadInfo,
  LogicalType,
  Row,
  RowObject,
  RowQuery,
  StateEntry,
  TableDefinition,
  WriteMode,
} from '../../../src/model/index.ts';
import { createLoadId } from '../../../src/model/load-id.ts';

export const upsert: WriteMode = { mode: 'merge', strategy: 'upsert' };

/** A table `t` with an integer key `id` and some columns. */
export function tableOf(
  columns: Readonly<Record<string, LogicalType>>,
  write: WriteMode = upsert,
  name = 't',
): TableDefinition {
  const all = Object.entries({ id: 'int64', ...columns } as Record<string, LogicalType>);
  return {
    name,
    columns: all.map(([column, type]) => ({
      name: column,
      type,
      nullable: column !== 'id',
      path: [column],
    })),
    primaryKey: write.mode === 'merge' ? ['id'] : [],
    write,
  };
}

/** A warehouse in a folder that goes with the test. */
export class Warehouse implements Disposable {
  readonly folder: string;
  readonly options: IcebergOptions;
  /** Wraps the catalog of every session. */
  wrap: (catalog: Catalog) => Catalog = (catalog) => catalog;

  constructor(options: Partial<IcebergOptions> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'plumbing-iceberg-'));
    this.options = { warehouse: join(this.folder, 'wh'), ...options };
  }

  async house(): Promise<Lakehouse> {
    const options = resolveOptions(this.options);
    const { catalog, io } = await openLakehouse(options, false);
    return new Lakehouse(this.wrap(catalog), io, options);
  }

  /** A load of one table that has begun, in a session that the test closes. */
  async begin(table: TableDefinition, info: Partial<LoadInfo> = {}): Promise<[IcebergSession, Load]> {
    const session = new IcebergSession(await this.house(), false);
    try {
      const load = await session.begin({
        loadId: createLoadId(new Date()),
        pipeline: 'test',
        startedAt: '2026-11-23T07:00:00.000000Z',
        day: '2026-11-23',
        staged: false,
        signal: new AbortController().signal,
        tables: [table],
        ...info,
      });
      return [session, load];
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** One load of one table, from rows to its end. */
  async load(
    table: TableDefinition,
    rows: readonly Row[],
    info: Partial<LoadInfo> & { readonly state?: readonly StateEntry[] } = {},
  ): Promise<Load> {
    const { state = [], ...rest } = info;
    const [session, load] = await this.begin(table, rest);
    try {
      try {
        await load.write(table.name, rows);
        await load.finishTable(table.name, state);
        await load.publish();
      } catch (error) {
        await load.abort('the test failed');
        throw error;
      }
      return load;
    } finally {
      await session.close();
    }
  }

  /** The rows of a table without the bookkeeping columns, ordered by key. */
  async rows(table = 't', query: RowQuery = {}): Promise<RowObject[]> {
    const house = await this.house();
    try {
      const session = new IcebergSession(house, true);
      const rows: RowObject[] = [];
      for await (const row of session.reader.readRows(table, query)) {
        rows.push(
          query.columns
            ? row
            : Object.fromEntries(
                Object.entries(row).filter(([name]) => !/^_(plumbing|inserted|valid)_/.test(name)),
              ),
        );
      }
      return query.orderBy ? rows : rows.toSorted((a, b) => Number(a['id']) - Number(b['id']));
    } finally {
      await house.catalog.close();
    }
  }

  /** The files under the warehouse whose path matches. */
  files(pattern: RegExp): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => pattern.test(path))
      .map((path) => join(this.folder, path))
      .filter((path) => statSync(path).isFile());
  }

  /** Bytes of these files. */
  bytes(pattern: RegExp): number {
    return this.files(pattern).reduce((sum, path) => sum + statSync(path).size, 0);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
