/** An open connection to a database file, as the port sees it. */
import { PlumbingError } from '../../errors/index.ts';
import type { Load, LoadInfo, PipelineState, Session } from '../../model/index.ts';
import type { SqliteConnection } from './connection.ts';
import { SqliteLoad } from './load.ts';
import { acquireLoadLock } from './load-lock.ts';
import type { ResolvedOptions } from './options.ts';
import { SqliteReader } from './reader.ts';

/** A session. Without a connection it can only read. */
export class SqliteSession implements Session {
  readonly reader: SqliteReader;
  readonly #options: ResolvedOptions;
  readonly #connection: SqliteConnection | undefined;
  #load: SqliteLoad | undefined;
  #isBeginning = false;

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
    if (this.#load || this.#isBeginning) {
      throw new PlumbingError(
        'DEST_FAILED',
        `${path}: a load of this session is still open; publish or abort it first`,
      );
    }
    this.#isBeginning = true;
    try {
      const lock = await acquireLoadLock(this.#options, info.signal);
      try {
        this.#load = new SqliteLoad(connection, info, () => {
          this.#load = undefined;
          lock.release();
        });
      } catch (error) {
        lock.release();
        throw error;
      }
      return this.#load;
    } finally {
      this.#isBeginning = false;
    }
  }

  async close(): Promise<void> {
    await this.#load?.abort('the session was closed before the load was published');
    await this.reader.close();
    this.#connection?.close();
  }
}
