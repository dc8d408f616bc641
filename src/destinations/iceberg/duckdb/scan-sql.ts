/** The SQL by which DuckDB reads the rows of an Iceberg table: columns by field id, deleted rows left out. */
import { PlumbingError } from '../../../errors/index.ts';
import type { DataFile } from '../../../iceberg/data-file.ts';
import { pathOf } from '../../../iceberg/local-io.ts';
import { pathField, positionField } from '../../../iceberg/position-deletes.ts';
import type { ScanFile } from '../../../iceberg/scan.ts';
import { quoteIdentifier, quoteText } from '../../../model/sql-text.ts';

/** One column of a table. */
export interface ScanColumn {
  /** The field's id, by which files have it. */
  readonly id: number;
  readonly name: string;
  /** The type in DuckDB. */
  readonly duckType: string;
}

/**
 * The query for the rows of `files`.
 *
 * @throws PlumbingError `DEST_FOREIGN` for files other than Parquet, `CONFIG_INVALID` for files that are not in a local folder.
 */
export function rowsSql(columns: readonly ScanColumn[], files: readonly ScanFile[]): string {
  const names = columns.map(({ id, name }) => `f${id} AS ${quoteIdentifier(name)}`);
  return unionOf(columns, inScanOrder(files), () => names) ?? `${nullsSql(columns)} WHERE false`;
}

/**
 * The query for the rows of `files` with their places: columns go by `f` and their id; `file` is the place in the list that
 * {@link inScanOrder} makes of the files, `place` the position in the file.
 *
 * @param emptyFile a Parquet file without rows: where columns go by id, DuckDB reads a list of one file with one thread only
 * @throws PlumbingError as {@link rowsSql}
 */
export function placesSql(
  columns: readonly ScanColumn[],
  files: readonly ScanFile[],
  emptyFile?: string,
): string {
  const ids = columns.map(({ id }) => `f${id}`);
  const list = (first: number): string[] => [
    ...ids,
    `file_index + ${first} AS file`,
    'file_row_number AS place',
  ];
  const nulls = columns.map(({ id, duckType }) => `CAST(NULL AS ${duckType}) AS f${id}`);
  const empty = `SELECT ${[...nulls, '0 AS file', '0 AS place'].join(', ')} WHERE false`;
  return unionOf(columns, inScanOrder(files), list, emptyFile) ?? empty;
}

/** Files without deleted rows first: they are scanned together. */
export function inScanOrder(files: readonly ScanFile[]): ScanFile[] {
  return files.toSorted((a, b) => Math.min(a.deletes.length, 1) - Math.min(b.deletes.length, 1));
}

/** `list` gives what is selected from the files after the first so many. Within the scan, columns go by their ids: their own names could be those of DuckDB's virtual columns. */
function unionOf(
  columns: readonly ScanColumn[],
  files: readonly ScanFile[],
  list: (first: number) => readonly string[],
  emptyFile?: string,
): string | undefined {
  const whole = files.filter(({ deletes }) => deletes.length === 0);
  const cut = files.slice(whole.length);
  const parts: string[] = [];
  if (whole.length > 0) parts.push(`SELECT ${list(0).join(', ')} FROM ${dataOf(columns, whole, emptyFile)}`);
  if (cut.length > 0) {
    parts.push(
      `SELECT ${list(whole.length).join(', ')} FROM ${dataOf(columns, cut, emptyFile)} AS data ` +
        `ANTI JOIN (${deletedSql(cut)}) AS gone ` +
        'ON data.file_index = gone.data_file AND data.file_row_number = gone.position',
    );
  }
  return parts.length > 0 ? parts.join(' UNION ALL ') : undefined;
}

/** The query for one row of NULLs. */
export function nullsSql(columns: readonly ScanColumn[]): string {
  const nulls = columns.map(({ name, duckType }) => `CAST(NULL AS ${duckType}) AS ${quoteIdentifier(name)}`);
  return `SELECT ${nulls.length > 0 ? nulls.join(', ') : 'NULL AS unreadable'}`;
}

function dataOf(columns: readonly ScanColumn[], files: readonly ScanFile[], emptyFile?: string): string {
  const fields = columns.map(({ id, duckType }): ScanField => [id, `f${id}`, duckType]);
  return scanSql(
    fields,
    files.map(({ entry }) => entry.file),
    emptyFile,
  );
}

type ScanField = readonly [id: number, name: string, duckType: string];

function scanSql(fields: readonly ScanField[], files: readonly DataFile[], emptyFile?: string): string {
  const schema = fields.map(
    ([id, name, type]) => `${id}: {name: ${quoteText(name)}, type: ${quoteText(type)}, default_value: NULL}`,
  );
  const paths = files.map((file) => quoteText(parquetPath(file)));
  // Last, so that the others keep their places.
  if (emptyFile !== undefined && paths.length === 1) paths.push(quoteText(emptyFile));
  return `read_parquet([${paths.join(', ')}], schema = MAP {${schema.join(', ')}})`;
}

function parquetPath({ location, format }: DataFile): string {
  if (format.toUpperCase() === 'PARQUET') return pathOf(location);
  throw new PlumbingError(
    'DEST_FOREIGN',
    `${location}: files in ${format} are not supported; have the program that wrote it rewrite the table as Parquet`,
  );
}

const deleteFields: readonly ScanField[] = [
  [pathField.id, 'path', 'VARCHAR'],
  [positionField.id, 'position', 'BIGINT'],
];

/**
 * Positions of deleted rows, by place of the data file in the list. A delete file counts only for the data files that it
 * is for, and names them as the table's manifests spell them.
 */
function deletedSql(files: readonly ScanFile[]): string {
  const deletes = new Map<string, { readonly file: DataFile; readonly place: number }>();
  const pairs: string[] = [];
  for (const [data, { entry, deletes: own }] of files.entries()) {
    for (const { entry: deleted } of own) {
      const { location } = deleted.file;
      const { place } = deletes.get(location) ?? { place: deletes.size };
      deletes.set(location, { file: deleted.file, place });
      pairs.push(`(${place}, ${data}, ${quoteText(entry.file.location)})`);
    }
  }
  const scan = scanSql(
    deleteFields,
    [...deletes.values()].map(({ file }) => file),
  );
  return (
    `SELECT meant.data_file, deletes.position FROM ${scan} AS deletes ` +
    `JOIN (VALUES ${pairs.join(', ')}) AS meant (delete_file, data_file, path) ` +
    'ON deletes.file_index = meant.delete_file AND deletes.path = meant.path'
  );
}
