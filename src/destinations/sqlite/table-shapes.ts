/** What can be read in a database file, whoever made it. */
import type { DatabaseSync } from 'node:sqlite';
import { PlumbingError } from '../../errors/index.ts';
import type { LogicalType, TableDefinition } from '../../model/index.ts';
import { codecOf } from './codec.ts';
import type { Codec } from './codec.ts';
import { readDefinition } from './schema-store.ts';
import { physicalColumns } from '../../model/table-layout.ts';

/** A table or view, and its columns as they are stored. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly ColumnShape[];
  /** Its definition, when this library made it. */
  readonly own: TableDefinition | undefined;
  /** Why it can't be read, as a view of a table that is gone; it then has no columns. */
  readonly flaw?: PlumbingError;
}

/** One column. */
export interface ColumnShape {
  readonly name: string;
  /** As the stored schema says; for tables of others, what their declared type lets expect. */
  readonly type: LogicalType;
  readonly codec: Codec;
  /** Made by another program: SQLite itself does not hold its values to the type. */
  readonly isForeign: boolean;
  /** Made by another program without a type, as what a view computes: it holds whatever comes, to be read as text. */
  readonly isUntyped?: boolean;
}

/** All tables and views but those of the bookkeeping, and one without a name, which no query could name; by name. */
export function tableShapes(db: DatabaseSync, path: string): TableShape[] {
  const names = db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name <> ''
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_plumbing\\_%' ESCAPE '\\' ORDER BY name`,
    )
    .all();
  return names.map(({ name }) => tableShape(db, path, String(name)));
}

function tableShape(db: DatabaseSync, path: string, name: string): TableShape {
  const own = readDefinition(db, name, path);
  const types = new Map(own ? physicalColumns(own).map((column) => [column.name, column.type]) : []);
  let columns: Record<string, unknown>[];
  try {
    // Generated columns as well (2 and 3), but not those of virtual tables that SELECT * leaves out (1).
    columns = db
      .prepare('SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden IN (0, 2, 3) ORDER BY cid')
      .all(name);
  } catch (error) {
    if (!isFlawOfOne(error)) throw error;
    const message = `${path}: "${name}" can not be read (${error.message})`;
    return {
      name,
      own: undefined,
      columns: [],
      flaw: new PlumbingError('DEST_FAILED', message, { cause: error }),
    };
  }
  return {
    name,
    own,
    columns: columns.map((column): ColumnShape => {
      const known = types.get(String(column['name']));
      const declared = String(column['type']);
      const type = known ?? typeOfDeclared(declared);
      const isForeign = known === undefined;
      return {
        name: String(column['name']),
        type,
        codec: codecOf(type),
        isForeign,
        isUntyped: isForeign && declared === '',
      };
    }),
  };
}

/** Whether SQLite can't make sense of one table or view, with nothing wrong with the file: SQLITE_ERROR. */
function isFlawOfOne(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const { errcode } = error as { errcode?: number };
  // The kind of an error is in the lowest byte.
  return errcode !== undefined && (errcode & 0xff) === 1;
}

/** By SQLite's rules of column affinity (Datatypes In SQLite, section 3.1). */
function typeOfDeclared(declared: string): LogicalType {
  if (/int/i.test(declared)) return 'int64';
  if (/char|clob|text/i.test(declared)) return 'string';
  if (/blob/i.test(declared)) return 'binary';
  if (/real|floa|doub/i.test(declared)) return 'float64';
  if (/bool/i.test(declared)) return 'boolean';
  return declared === '' || /date|time|json|uuid/i.test(declared) ? 'string' : 'float64';
}
