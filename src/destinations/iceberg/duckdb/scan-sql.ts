/** The SQL by which DuckDB reads the rows of an Iceberg table: columns by field id, deleted rows left out. */
import { PlumbingError } from '../../../errors/index.ts';
import type { DataFile } from '../../../iceberg/data-file.ts';
import { pathOf as pathOfLocal } from '../../../iceberg/local-io.ts';
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

/** Where on this machine a file is. */
export type PathOf = (location: string) => string;

/** The path of a file that is in a folder; `CONFIG_INVALID` for others. */
export const localPath: PathOf = pathOfLocal;

/** All files that a scan reads, each once. */
export function filesOf(files: readonly ScanFile[]): DataFile[] {
  const all = files.flatMap(({ entry, deletes }) => [entry, ...deletes.map((deleted) => deleted.entry)]);
  return [...new Map(all.map(({ file }) => [file.location, file])).values()];
}

interface Places {
  readonly pathOf: PathOf;
  readonly emptyFile?: string | undefined;
}

/**
 * The query for the rows of `files`; `pathOf` says where each of them is on this machine.
 *
 * @throws PlumbingError `DEST_FOREIGN` for files other than Parquet, `CONFIG_INVALID` for files that are not in a local folder.
 */
export function rowsSql(
  columns: readonly ScanColumn[],
  files: readonly ScanFile[],
  pathOf: PathOf = localPath,
): string {
  const names = columns.map(({ id, name }) => `f${id} AS ${quoteIdentifier(name)}`);
  return unionOf(columns, inScanOrder(files), () => names, { pathOf }) ?? `${nullsSql(columns)} WHERE false`;
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
  return unionOf(columns, inScanOrder(files), list, { pathOf: localPath, emptyFile }) ?? empty;
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
  places: Places,
): string | undefined {
  const whole = files.filter(({ deletes }) => deletes.length === 0);
  const cut = files.slice(whole.length);
  const parts: string[] = [];
  if (whole.length > 0) parts.push(`SELECT ${list(0).join(', ')} FROM ${dataOf(columns, whole, places)}`);
  if (cut.length > 0) {
    parts.push(
      `SELECT ${list(whole.length).join(', ')} FROM ${dataOf(columns, cut, places)} AS data ` +
        `ANTI JOIN (${deletedSql(cut, places.pathOf)}) AS gone ` +
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

function dataOf(columns: readonly ScanColumn[], files: readonly ScanFile[], places: Places): string {
  const fields = columns.map(({ id, duckType }): ScanField => [id, `f${id}`, duckType]);
  return scanSql(
    fields,
    files.map(({ entry }) => entry.file),
    places,
  );
}

type ScanField = readonly [id: number, name: string, duckType: string];

function scanSql(
  fields: readonly ScanField[],
  files: readonly DataFile[],
  { pathOf, emptyFile }: Places,
): string {
  const schema = fields.map(
    ([id, name, type]) => `${id}: {name: ${quoteText(name)}, type: ${quoteText(type)}, default_value: NULL}`,
  );
  const paths = files.map((file) => quoteText(parquetPath(file, pathOf)));
  // Last, so that the others keep their places.
  if (emptyFile !== undefined && paths.length === 1) paths.push(quoteText(emptyFile));
  return `read_parquet([${paths.join(', ')}], schema = MAP {${schema.join(', ')}})`;
}

function parquetPath({ location, format }: DataFile, pathOf: PathOf): string {
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
 * The query for the positions of deleted rows, by place of the data file in the list. A delete file counts only for the data files that it
 * is for, and names them as the table's manifests spell them.
 */
export function deletedSql(files: readonly ScanFile[], pathOf: PathOf = localPath): string {
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
    { pathOf },
  );
  return (
    `SELECT meant.data_file, deletes.position FROM ${scan} AS deletes ` +
    `JOIN (VALUES ${pairs.join(', ')}) AS meant (delete_file, data_file, path) ` +
    'ON deletes.file_index = meant.delete_file AND deletes.path = meant.path'
  );
}
