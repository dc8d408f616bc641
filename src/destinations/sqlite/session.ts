/** An open connection to a database file, as the port sees it. */
import { PlumbingError } from '../../errors/index.ts';
import type { Load, LoadInfo, PipelineState, Session, UndoReport } from '../../model/index.ts';
import type { SqliteConnection } from './connection.ts';
import { SqliteLoad } from './load.ts';
import { SingleLoad } from '../../locks/single-load.ts';
import type { ResolvedOptions } from './options.ts';
import { SqliteReader } from './reader.ts';
import { takeBack } from './undo.ts';
import { UndoLog } from './undo-log.ts';
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
    const connection = this.#writable();
    return this.#load.begin(this.#options, info.signal, (release) => {
      const trail = WriteTrail.begin(connection.db, this.#options.file, info.loadId);
      const undoLog = new UndoLog(connection.db, info, this.#options.undoLoads);
      return new SqliteLoad(connection, info, undoLog, async () => {
        await trail?.end();
        release();
      });
    });
  }

  /** See {@link Session}. Also takes back a load that was killed: while the lock is held, none is running. */
  async undo(loadId: string, signal: AbortSignal): Promise<UndoReport> {
    const connection = this.#writable();
    // No trail is kept: rows come back under ids of earlier loads, which a copy would not look for. So it is made anew.
    return this.#load.between(this.#options, signal, () => takeBack(connection, loadId));
  }

  async close(): Promise<void> {
    await this.#load.current?.abort('the session was closed before the load was published');
    await this.reader.close();
    this.#connection?.close();
  }

  #writable(): SqliteConnection {
    if (this.#connection) return this.#connection;
    throw new PlumbingError(
      'DEST_READ_ONLY',
      `${this.#options.path}: opened to read only; open it without readOnly`,
    );
  }
}
