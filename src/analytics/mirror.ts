/** A columnar copy beside a SQLite file. It is used only where it is known to be what the file's snapshot is. */
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier, quoteText } from '../model/sql-text.ts';
import { isLoadRunning } from '../locks/load-lock.ts';
import { copyFolder, readTrail, writeTrail } from '../destinations/sqlite/write-trail.ts';
import type { AttachedFile } from './attached-file.ts';
import { lockMirror } from './mirror-lock.ts';
import type { MirrorLock } from './mirror-lock.ts';
import { mirrorFormat, mirroredTables, refreshTables, runSurely } from './mirror-tables.ts';
import type { MirrorState, Refresh } from './mirror-tables.ts';

/** What happened to a copy before a query. */
export interface MirrorEvent {
  readonly alias: string;
  readonly path: string;
  /** `live`: the copy could not be brought up to date, and the file itself is read. */
  readonly action: Refresh | 'live';
  /** Why the file itself is read. */
  readonly reason?: string;
  readonly durationMs: number;
}

/** The copy of one attached file. */
export class Mirror {
  /** The name under which DuckDB has it. */
  readonly catalog: string;
  readonly #connection: DuckDBConnection;
  readonly #file: AttachedFile;
  readonly #onEvent: (event: MirrorEvent) => void;
  readonly #folder: string;
  readonly #path: string;
  #lock: MirrorLock | undefined;
  /** The state of which the attached copy is one. */
  #attached: string | undefined;
  /** The state at which it could not be brought up to date: trying again would fail again. */
  #failed: string | undefined;

  constructor(
    connection: DuckDBConnection,
    file: AttachedFile,
    onEvent: (event: MirrorEvent) => void = () => undefined,
  ) {
    this.#connection = connection;
    this.#file = file;
    this.#onEvent = onEvent;
    this.catalog = `_plumbing_mirror_${file.alias}`;
    this.#folder = copyFolder(file.file);
    this.#path = join(this.#folder, 'mirror.duckdb');
  }

  /**
   * Attaches the copy of the snapshot, which the file had in the state `state`, and brings it up to date where needed. False
   * when the file itself has to be read.
   */
  async prepare(state: string, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.#attached === state) return true;
    if (this.#failed === state || mirroredTables(this.#file).length === 0) return false;
    await this.detach();
    const startedMs = performance.now();
    const tell = (action: MirrorEvent['action'], reason?: string): void =>
      this.#onEvent({
        alias: this.#file.alias,
        path: this.#file.path,
        action,
        ...(reason !== undefined && { reason }),
        durationMs: Math.round(performance.now() - startedMs),
      });
    try {
      if (await this.#attach(state, signal)) return true;
      const obstacle = await this.#bringTo(state, tell, signal);
      if (obstacle === undefined && (await this.#attach(state, signal))) return true;
      tell('live', obstacle ?? 'another process has changed the copy');
    } catch (error) {
      await this.detach();
      // The next query may try again.
      if (signal?.aborted) throw error;
      this.#failed = state;
      tell('live', error instanceof Error ? error.message : String(error));
    }
    return false;
  }

  /** Lets others bring the copy up to date. */
  async detach(): Promise<void> {
    this.#attached = undefined;
    await runSurely(this.#connection, `DETACH DATABASE IF EXISTS ${quoteIdentifier(this.catalog)}`);
    this.#lock?.release();
    this.#lock = undefined;
  }

  /** Reads all of the attached copy, and throws it away where that fails: the next query makes it anew. Gives its path then. */
  async dropIfDamaged(): Promise<string | undefined> {
    if (this.#attached === undefined) return undefined;
    try {
      for (const { name } of mirroredTables(this.#file)) {
        const table = `${quoteIdentifier(this.catalog)}.main.${quoteIdentifier(name)}`;
        await this.#connection.run(`SELECT bit_xor(hash(t)) FROM ${table} AS t`);
      }
      return undefined;
    } catch (error) {
      if (!isDamage(error)) return undefined;
    }
    // Before the lock is released: nobody is writing to it meanwhile, and others that read it keep what they have.
    this.#remove();
    await this.detach();
    return this.#path;
  }

  /** Attaches the copy to read, if it is that of `state`. */
  async #attach(state: string, signal: AbortSignal | undefined): Promise<boolean> {
    if (!existsSync(this.#path)) return false;
    const lock = await lockMirror(this.#folder, 'read');
    if (!lock) return false;
    this.#lock = lock;
    try {
      await this.#attachAs('READ_ONLY');
      if ((await this.#readState())?.state === state) {
        this.#attached = state;
        return true;
      }
    } catch (error) {
      if (signal?.aborted) throw error;
      // Damaged, or made by another version: it is made anew.
    }
    await this.detach();
    return false;
  }

  /** Brings the copy to `state`; gives what is in the way, if anything is. */
  async #bringTo(
    state: string,
    tell: (action: Refresh) => void,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (await isLoadRunning(this.#file.file)) return 'a load is running';
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    chmodSync(this.#folder, 0o700);
    const lock = await lockMirror(this.#folder, 'write');
    if (!lock) return 'another process is using the copy';
    this.#lock = lock;
    const before = await this.#open(signal);
    if (before?.state !== state) {
      const isContinued = readTrail(this.#file.file) === state;
      try {
        tell(await this.#refresh(state, isContinued ? before : undefined));
      } catch (error) {
        if (signal?.aborted || !isDamage(error)) throw error;
        await this.#startAnew();
        tell(await this.#refresh(state, undefined));
      }
    }
    chmodSync(this.#path, 0o600);
    writeTrail(this.#file.file, state);
    await this.detach();
    return undefined;
  }

  /** Opens the copy to write, and gives what it says of itself. One that can't be opened is thrown away. */
  async #open(signal: AbortSignal | undefined): Promise<MirrorState | undefined> {
    try {
      await this.#attachAs('READ_WRITE');
      return await this.#readState();
    } catch (error) {
      if (signal?.aborted) throw error;
      await this.#startAnew();
      return undefined;
    }
  }

  async #refresh(state: string, before: MirrorState | undefined): Promise<Refresh> {
    const done = await refreshTables(this.#connection, this.#file, this.catalog, state, before);
    await this.#connection.run(`CHECKPOINT ${quoteIdentifier(this.catalog)}`);
    return done;
  }

  /** Puts an empty copy, open to write, in the place of one that can't be used. */
  async #startAnew(): Promise<void> {
    await runSurely(this.#connection, `DETACH DATABASE IF EXISTS ${quoteIdentifier(this.catalog)}`);
    this.#remove();
    await this.#attachAs('READ_WRITE');
  }

  #remove(): void {
    rmSync(this.#path, { force: true });
    rmSync(`${this.#path}.wal`, { force: true });
  }

  async #attachAs(mode: 'READ_ONLY' | 'READ_WRITE'): Promise<void> {
    await this.#connection.run(
      `ATTACH ${quoteText(this.#path)} AS ${quoteIdentifier(this.catalog)} (TYPE duckdb, ${mode})`,
    );
  }

  async #readState(): Promise<MirrorState | undefined> {
    const from = `${quoteIdentifier(this.catalog)}.main._plumbing_mirror`;
    const exists = await this.#connection.runAndReadAll(
      `SELECT 1 FROM duckdb_tables() WHERE database_name = $1 AND table_name = '_plumbing_mirror'`,
      [this.catalog],
    );
    if (exists.currentRowCount === 0) return undefined;
    const result = await this.#connection.runAndReadAll(`SELECT record FROM ${from}`);
    const state = JSON.parse(String(result.getRows()[0]?.[0])) as MirrorState;
    return state.format === mirrorFormat ? state : undefined;
  }
}

/** Whether DuckDB says that what it reads is not what was written. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && /Corrupt database file|Could not read enough bytes/i.test(error.message);
}
