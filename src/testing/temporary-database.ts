/** A database file for one test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A place for a database file. Made by {@link temporaryDatabase}. */
export interface TemporaryDatabase extends AsyncDisposable {
  /** A new folder, removed with all it holds. */
  readonly folder: string;
  /** The file inside it, which does not exist yet. */
  readonly path: string;
  /** What SQL gives, on a connection of its own, as another program would read the file. */
  sql(text: string): Promise<Record<string, unknown>[]>;
  /** Removes the folder. */
  remove(): Promise<void>;
}

/**
 * Makes an empty folder for a database file.
 *
 * @example
 * ```ts
 * await using database = await temporaryDatabase();
 * await run({ source, destination: sqlite(database.path) });
 * console.log(await database.sql('SELECT count(*) AS n FROM issues'));
 * ```
 */
export async function temporaryDatabase(name = 'test.db'): Promise<TemporaryDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbing-test-'));
  const path = join(folder, name);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  return {
    folder,
    path,
    async sql(text) {
      const { DatabaseSync } = await import('node:sqlite');
      const db = new DatabaseSync(path, { readOnly: true });
      try {
        return db
          .prepare(text)
          .all()
          .map((row) => ({ ...row }));
      } finally {
        db.close();
      }
    },
    remove,
    [Symbol.asyncDispose]: remove,
  };
}
