/** A shop that sells whatever a test wants, and the database that its items are loaded into. */
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import type { RowObject } from '../../src/model/index.ts';
import { run } from '../../src/pipeline/index.ts';
import type { RunOptions, RunReport, StreamReport } from '../../src/pipeline/index.ts';
import { startChaosServer, temporaryDatabase } from '../../src/testing/index.ts';
import type { Answer, SeenRequest, TemporaryDatabase } from '../../src/testing/index.ts';
import { itemSource } from './item-source.ts';
import type { ItemOptions } from './item-source.ts';

/** The report of the one stream, with the status of the run. */
export type ItemReport = StreamReport & { readonly status: RunReport['status'] };

/** Made by {@link openShop}. */
export interface Shop extends AsyncDisposable {
  readonly database: TemporaryDatabase;
  /** The requests of the latest run. */
  readonly seen: readonly SeenRequest[];
  /** One run, from a server that answers like this. */
  load(answer: Answer, options?: ItemOptions, runOptions?: RunOptions): Promise<ItemReport>;
  /** The rows in the table, by id, without the columns that the library adds. */
  stored(): Promise<RowObject[]>;
}

/** Opens a shop over an empty folder. */
export async function openShop(): Promise<Shop> {
  const database = await temporaryDatabase();
  let seen: readonly SeenRequest[] = [];
  return {
    database,
    get seen() {
      return seen;
    },
    async load(answer, options, runOptions) {
      await using server = await startChaosServer(answer);
      ({ seen } = server);
      const pipeline = { source: itemSource(server.url, options), destination: sqlite(database.path) };
      const report = await run(pipeline, runOptions);
      return { ...report.streams[0], status: report.status } as ItemReport;
    },
    async stored() {
      const session = await sqlite(database.path).open({ readOnly: true });
      try {
        const rows: RowObject[] = [];
        for await (const row of session.reader.readRows('items', { orderBy: ['id'] })) {
          const own = Object.entries(row).filter(([name]) => !/^_(inserted|plumbing)_/.test(name));
          rows.push(Object.fromEntries(own));
        }
        return rows;
      } finally {
        await session.close();
      }
    },
    [Symbol.asyncDispose]: () => database.remove(),
  };
}
