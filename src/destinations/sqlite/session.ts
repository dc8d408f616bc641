/** An open connection to a database file, as the port sees it. */
import { PlumbingError } from '../../errors/index.ts';
import type { Load, LoadInfo, PipelineState, Session } from '../../model/index.ts';
import type { SqliteConnection } from './connection.ts';
import { SqliteLoad } from './load.ts';
import { SingleLoad } from '../../locks/single-load.ts';
import type { ResolvedOptions } from './options.ts';
import { SqliteReader } from './reader.ts';
import { WriteTrail } from './write-trail.ts';

/** A session. Without a connection it can only read. */
export class SqliteSession implements Session {
  readonly reader: SqliteReader;
  readonly #options: ResolvedOptions;
  readonly #connection: SqliteConnection | undefined;
  readonly #load = new SingleLoad<SqliteLoad>();

  constructor(options: ResolvedOptions, connection: SqliteConnection | undefined) {
    this.#options = options;
    this.#connection = connection;
    this.reader = new SqliteReader(options);
  }

  async readState(pipeline: string): Promise<PipelineState> {
    return this.reader.readState(pipeline);
  }

  async begin(info: LoadInfo): Promise<Load> {
    const connection = this.#connection;
    const { path } = this.#options;
    if (!connection)
      throw new PlumbingError('DEST_READ_ONLY', `${path}: opened to read only; open it without readOnly`);
    return this.#load.begin(this.#options, info.signal, (release) => {
      const trail = WriteTrail.begin(connection.db, this.#options.file, info.loadId);
      return new SqliteLoad(connection, info, async () => {
        await trail?.end();
        release();
      });
    });
  }

  async close(): Promise<void> {
    await this.#load.current?.abort('the session was closed before the load was published');
    await this.reader.close();
    this.#connection?.close();
  }
}
