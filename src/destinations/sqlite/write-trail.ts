/**
 * Tells a copy of a database whether all writes since it was made were loads of this library. Loads keep the trail where
 * there is a copy, in its folder; whatever else writes to the database breaks it.
 */
import { existsSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest time for which the clock of a file system stands still: two writes within it may look like one. */
const clockTickMs = 12;

/** Where the copy of a database is kept. It may be deleted at any time. */
export function copyFolder(file: string): string {
  return `${file}.mirror`;
}

/** What the file system says of a database. Any write changes it, whoever writes. */
export interface FileState {
  readonly text: string;
  /** Until then a write might not show. */
  readonly settledAtMs: number;
}

/** The state of a database file, by its real path, and of its log. It is looked at from outside: an open handle would take locks along when it is closed. */
export function fileState(file: string): FileState {
  const stats = [file, `${file}-wal`].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  // A log without content comes and goes with those who read.
  const written = stats.filter((stat): stat is BigIntStats => stat !== undefined && stat.size > 0n);
  const text = written.map(({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join(':'));
  const newest = written.reduce((latest, { ctimeMs }) => (ctimeMs > latest ? ctimeMs : latest), 0n);
  return { text: text.join(' '), settledAtMs: Number(newest) + 1 + clockTickMs };
}

/** The state of a database, no write to which could go unseen any more. */
export async function settledState(file: string): Promise<FileState> {
  for (;;) {
    const state = fileState(file);
    const waitMs = state.settledAtMs - Date.now();
    // A time far ahead comes from a clock that was set back: it does not tell ticks apart, but will not come soon.
    if (waitMs <= 0 || waitMs > 10 * clockTickMs) return state;
    await sleep(waitMs);
  }
}

const trailFile = (file: string): string => join(copyFolder(file), 'trail');

/** The state up to which only loads have written since the copy was made; undefined when the trail is broken. */
export function readTrail(file: string): string | undefined {
  try {
    return readFileSync(trailFile(file), 'utf8');
  } catch {
    return undefined;
  }
}

/** Begins or goes on with the trail. */
export function writeTrail(file: string, text: string): void {
  const path = trailFile(file);
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/** The trail of one load, kept from its beginning to its end. */
export class WriteTrail {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #mark: string;
  readonly #version: unknown;

  private constructor(db: DatabaseSync, file: string, mark: string) {
    this.#db = db;
    this.#file = file;
    this.#mark = mark;
    // Before the file is looked at, so that no write falls between the two.
    this.#version = this.#readVersion();
  }

  /** To be called before the first write, with the load's lock held. `undefined` when there is nothing to keep. */
  static begin(db: DatabaseSync, path: string, loadId: string): WriteTrail | undefined {
    // SQLite too keeps the log beside the file itself, not beside a link to it.
    const file = realpathSync(path);
    if (!existsSync(copyFolder(file))) return undefined;
    const trail = new WriteTrail(db, file, `loading ${loadId}`);
    const isIntact = readTrail(file) === fileState(file).text;
    try {
      if (isIntact) writeTrail(file, trail.#mark);
      else rmSync(trailFile(file), { force: true });
      return isIntact ? trail : undefined;
    } catch {
      // The copy's folder is gone, or not ours to write in: it can't be trusted, and is not needed.
      return undefined;
    }
  }

  /** To be called after the last write, with the lock still held. Never fails: a trail that ends means a new copy. */
  async end(): Promise<void> {
    try {
      // Closing the connection would move the log into the database, which would look like a write.
      this.#emptyLog();
      const state = await settledState(this.#file);
      const isIntact = this.#readVersion() === this.#version && readTrail(this.#file) === this.#mark;
      if (isIntact && fileState(this.#file).text === state.text) writeTrail(this.#file, state.text);
    } catch {
      // What is left says that a load is under way, and none is.
    }
  }

  /** Changes when another connection commits. */
  #readVersion(): unknown {
    return this.#db.prepare('PRAGMA data_version').get()?.['data_version'];
  }

  #emptyLog(): void {
    const timeoutMs = this.#db.prepare('PRAGMA busy_timeout').get()?.['timeout'];
    // A reader that is in the way is not worth waiting for.
    this.#db.exec('PRAGMA busy_timeout = 0');
    try {
      this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      this.#db.exec(`PRAGMA busy_timeout = ${Number(timeoutMs)}`);
    }
  }
}
