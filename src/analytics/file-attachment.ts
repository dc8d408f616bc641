/** A SQLite file as an attachment: its tables are read through the scan function, or from its columnar copy. */
import { quoteIdentifier, quoteText } from '../model/sql-text.ts';
import type { TableShape } from '../destinations/sqlite/table-shapes.ts';
import type { AttachedFile } from './attached-file.ts';
import type { Attachment, ShownTable, View } from './attachment.ts';
import type { Mirror } from './mirror.ts';
import { mirroredTables } from './mirror-tables.ts';
import { rowIdColumn, scanName } from './scan-function.ts';

/** What views were made for. */
interface Shown {
  readonly tables: readonly TableShape[];
  readonly isMirrored: boolean;
  readonly views: readonly View[];
}

/** See the module's title. */
export class FileAttachment implements Attachment {
  readonly alias: string;
  readonly #file: AttachedFile;
  readonly #mirror: Mirror | undefined;
  #shown: Shown | undefined;

  constructor(file: AttachedFile, mirror: Mirror | undefined) {
    this.alias = file.alias;
    this.#file = file;
    this.#mirror = mirror;
  }

  async begin(signal: AbortSignal | undefined): Promise<readonly View[]> {
    const isMirrored = await this.#beginSnapshot(signal);
    const { tables } = this.#file;
    if (this.#shown?.tables !== tables || this.#shown.isMirrored !== isMirrored) {
      this.#shown = { tables, isMirrored, views: this.#views(isMirrored) };
    }
    return this.#shown.views;
  }

  end(): void {
    this.#file.endSnapshot();
  }

  async readTables(): Promise<readonly ShownTable[]> {
    this.#file.beginSnapshot();
    this.#file.endSnapshot();
    return this.#file.tables;
  }

  async dropDamagedCopy(): Promise<string | undefined> {
    return this.#mirror?.dropIfDamaged();
  }

  /** Lets others use the columnar copy. */
  async detach(): Promise<void> {
    await this.#mirror?.detach();
  }

  async close(): Promise<void> {
    this.#file.close();
  }

  /** True when the copy stands for the snapshot. */
  async #beginSnapshot(signal: AbortSignal | undefined): Promise<boolean> {
    if (!this.#mirror) {
      this.#file.beginSnapshot();
      return false;
    }
    const state = await this.#file.beginKnownSnapshot();
    return state !== undefined && (await this.#mirror.prepare(state, signal));
  }

  #views(isMirrored: boolean): View[] {
    const mirror = isMirrored ? this.#mirror : undefined;
    const mirrored = new Set(mirror ? mirroredTables(this.#file) : []);
    return this.#file.tables.map((table) => {
      const { name, flaw } = table;
      if (flaw) return { name, rows: flaw, nulls: 'SELECT NULL AS unreadable' };
      const rows =
        mirror && mirrored.has(table)
          ? `SELECT * EXCLUDE (${rowIdColumn}) FROM ${quoteIdentifier(mirror.catalog)}.main.${quoteIdentifier(name)}`
          : `SELECT * FROM ${scanName}(${quoteText(this.alias)}, ${quoteText(name)})`;
      return { name, rows };
    });
  }
}
