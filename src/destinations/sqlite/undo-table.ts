/** Takes a load back in one table: looks whether nobody has built on it since, and puts the rows back. */
import { isPlumbingError } from '../../errors/index.ts';
import type { PlumbingError } from '../../errors/index.ts';
import type { TableDefinition, UndoneTable, WriteMode } from '../../model/index.ts';
import { quoteIdentifier } from '../../model/sql-text.ts';
import { isVersioned, physicalColumns, physicalKey } from '../../model/table-layout.ts';
import type { SqlValue } from './codec.ts';
import type { SqliteConnection } from './connection.ts';
import { physicalTable, requireOwnTable } from './schema-store.ts';
import { countVersions } from './undo-log.ts';
import { BeforeRows } from './undo-rows.ts';
import type { KeptTable } from './undo-store.ts';

/** Makes the error that says why a load can not be taken back. */
export type Refusal = (what: string, cause?: unknown) => PlumbingError;

const later = 'take back the later load first, where that can be done';

/** One table that the load changed. */
export class TableUndo {
  readonly #connection: SqliteConnection;
  readonly #loadId: string;
  readonly #kept: KeptTable;
  readonly #refusal: Refusal;
  readonly #definition: TableDefinition;
  readonly #before: BeforeRows;
  readonly #table: string;
  readonly #key: readonly string[];

  /** @throws PlumbingError what `refusal` makes, for a table or rows that are no longer there */
  constructor(connection: SqliteConnection, loadId: string, kept: KeptTable, refusal: Refusal) {
    this.#connection = connection;
    this.#loadId = loadId;
    this.#kept = kept;
    this.#refusal = refusal;
    this.#definition = this.#requireTable();
    this.#table = quoteIdentifier(kept.table);
    this.#key = physicalKey(this.#definition).map(quoteIdentifier);
    if (kept.images.some((image) => !physicalTable(connection.db, BeforeRows.tableOf(image))))
      throw refusal(`what was kept of table "${kept.table}" is gone, another program must have dropped it`);
    this.#before = new BeforeRows(connection.db, this.#definition, kept.images);
  }

  /**
   * Looks, without changing anything, whether a later load, or somebody else, has touched what the load left.
   *
   * @throws PlumbingError what `refusal` makes
   */
  check(): void {
    const name = `table "${this.#kept.table}"`;
    const isVersionedTable = isVersioned(this.#definition);
    if (
      this.#count(`SELECT count(*) AS n FROM ${this.#table} WHERE "_plumbing_load_id" = ?`) !==
      this.#kept.rowsLeft
    )
      throw this.#refusal(`rows that it wrote to ${name} were changed or deleted since; ${later}`);
    if (isVersionedTable && this.#openVersions() !== this.#kept.openLeft)
      throw this.#refusal(`versions that it opened in ${name} were closed since; ${later}`);
    if (isVersionedTable ? this.#hasOtherVersions() : this.#hasTakenKeys())
      throw this.#refusal(`rows that it changed or deleted in ${name} were written again since; ${later}`);
    if (this.#hasSharedKeys())
      throw this.#refusal(
        `rows that it changed or deleted in ${name} share a key that the table was given since`,
      );
    if (this.#hasOtherSet())
      throw this.#refusal(`${name} holds rows of another load where it had replaced all rows; ${later}`);
  }

  /** Puts the rows back, in the caller's transaction. */
  restore(): UndoneTable {
    const { db } = this.#connection;
    const restored = this.#before.count();
    const columns = physicalColumns(this.#definition).map(({ name }) => quoteIdentifier(name));
    const key = this.#key.join(', ');
    const isOwn = '"_plumbing_load_id" = ?';
    // Rows that were there before stay in place: others may point to them, and they keep their order.
    const added = key === '' ? isOwn : `${isOwn} AND (${key}) NOT IN (SELECT ${key} FROM before)`;
    const removed = Number(
      db.prepare(`${this.#before.with()} DELETE FROM ${this.#table} WHERE ${added}`).run(this.#loadId)
        .changes,
    );
    const values = columns.filter((column) => !this.#key.includes(column));
    const update = values.map((column) => `${column} = excluded.${column}`).join(', ');
    db.exec(
      `${this.#before.with()} INSERT INTO ${this.#table} (${columns.join(', ')}) SELECT * FROM before WHERE true
       ${key === '' ? '' : `ON CONFLICT (${key}) DO UPDATE SET ${update}`}`,
    );
    return { table: this.#kept.table, removed, restored };
  }

  #requireTable(): TableDefinition {
    const { db, path } = this.#connection;
    let found: TableDefinition | undefined;
    try {
      found = requireOwnTable(db, this.#kept.table, path);
    } catch (error) {
      if (!isPlumbingError(error, 'DEST_FOREIGN')) throw error;
      throw this.#refusal(`table "${this.#kept.table}" is not as this library made it`, error);
    }
    if (found) return found;
    throw this.#refusal(`table "${this.#kept.table}" is gone; its next load reads it anew`);
  }

  #openVersions(): number {
    return countVersions(this.#connection.db, this.#kept.table, this.#loadId).open;
  }

  /** Whether another load has written a key that the load had changed or deleted. */
  #hasTakenKeys(): boolean {
    if (this.#key.length === 0) return false;
    return this.#exists(
      `${this.#before.with()} SELECT 1 FROM before CROSS JOIN ${this.#table} AS now ON ${this.#matches(this.#key)}
       WHERE now."_plumbing_load_id" IS NOT ?`,
    );
  }

  /** Whether two of the rows would take the place of one: when the load wrote them, the table had another key or none. */
  #hasSharedKeys(): boolean {
    if (this.#key.length === 0) return false;
    const grouped = `SELECT 1 FROM before GROUP BY ${this.#key.join(', ')} HAVING count(*) > 1`;
    return this.#exists(`${this.#before.with()} ${grouped}`, []);
  }

  /** Whether the versions that the load closed are not as it left them, or others are open in their place. */
  #hasOtherVersions(): boolean {
    const closed = `${this.#before.with()} SELECT count(*) AS n FROM before CROSS JOIN ${this.#table} AS now
      ON ${this.#matches(this.#key)}
      WHERE now."_plumbing_load_id" IS before."_plumbing_load_id" AND now."_valid_to_ts" IS NOT NULL`;
    if (this.#count(closed, []) !== this.#before.count()) return true;
    return this.#exists(
      `${this.#before.with()} SELECT 1 FROM before CROSS JOIN ${this.#table} AS now
       ON ${this.#matches(this.#definition.primaryKey.map(quoteIdentifier))}
       WHERE now."_valid_to_ts" IS NULL AND now."_plumbing_load_id" IS NOT ?`,
    );
  }

  /** Whether another load has written into a set of rows whose place the load's own had taken. */
  #hasOtherSet(): boolean {
    const write = JSON.parse(this.#kept.write) as WriteMode;
    const scope = setOf(write)?.map(quoteIdentifier);
    if (!scope) return false;
    const matches = scope.map((column) => `now.${column} IS gone.${column}`).join(' AND ');
    return this.#exists(
      `${this.#before.with('deleted')} SELECT 1
       FROM (SELECT DISTINCT ${scope.join(', ') || '1'} FROM before) AS gone CROSS JOIN ${this.#table} AS now
       ON ${matches || 'true'} WHERE now."_plumbing_load_id" IS NOT ?`,
    );
  }

  #matches(columns: readonly string[]): string {
    return columns.map((column) => `now.${column} = before.${column}`).join(' AND ');
  }

  #count(sql: string, parameters: readonly SqlValue[] = [this.#loadId]): number {
    return Number(this.#connection.db.prepare(sql).get(...parameters)?.['n']);
  }

  #exists(sql: string, parameters: readonly SqlValue[] = [this.#loadId]): boolean {
    return this.#connection.db.prepare(`${sql} LIMIT 1`).get(...parameters) !== undefined;
  }
}

/** The columns whose values name a set that the mode replaces as a whole; none for the whole table. */
function setOf(write: WriteMode): readonly string[] | undefined {
  if (write.mode === 'replace') return [];
  return write.mode === 'merge' && write.strategy === 'delete-insert' ? write.scope : undefined;
}
