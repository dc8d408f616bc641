/** Looks at a file of JSON lines that a destination reads by itself: every line must surely fit. */
import { statSync } from 'node:fs';
import { PlumbingError } from '../errors/index.ts';
import { linePattern, pathKey } from '../model/index.ts';
import type { RowFile, Stream, TableDefinition } from '../model/index.ts';
import { lineAt } from './count-lines.ts';
import { countLines } from './line-workers.ts';

/**
 * The file at `path` as a {@link RowFile} of the table, when its first line fits the stream's schema beyond doubt, and the
 * table has a column of just that type for each field.
 */
export async function lookAtLines(
  path: string,
  stream: Stream,
  table: TableDefinition,
): Promise<RowFile | undefined> {
  // A cursor and a hash of each row are known only by reading the rows.
  if (!stream.schema || stream.cursor || stream.rowKey) return undefined;
  let identity: string;
  let keys: readonly string[] | undefined;
  try {
    // Of a pipe nobody can read anything twice.
    if (!statSync(path).isFile()) return undefined;
    identity = identityOf(path);
    keys = await keysOf(path);
  } catch {
    // Reading the rows one by one meets the same fault, and says it in full.
    return undefined;
  }
  const pattern = keys && linePattern(stream.schema, keys);
  if (!pattern) return undefined;
  const fields = pattern.fields.map(({ key, type, nullable }) => {
    const column = table.columns.findIndex((candidate) => pathKey(candidate.path) === pathKey([key]));
    return { key, column: table.columns[column]?.type === type ? column : -1, nullable };
  });
  if (fields.some(({ column }) => column < 0)) return undefined;
  const requireUnchanged = (): void => {
    if (identityOf(path) === identity) return;
    throw new PlumbingError(
      'SOURCE_FAILED',
      `${path} changed while it was being loaded; nothing of it was stored. Run again once it is complete`,
      { retryable: true },
    );
  };
  const countFitting = async (signal: AbortSignal): Promise<number | undefined> => {
    const rows = await countLines(path, pattern.expression, signal);
    requireUnchanged();
    return rows;
  };
  return { path, fields, countFitting, requireUnchanged };
}

function identityOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}

/** The fields of the first line, in their order. */
async function keysOf(path: string): Promise<readonly string[] | undefined> {
  const line = (await lineAt(path, 0)).toString();
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === 'object' && row !== null ? Object.keys(row) : undefined;
  } catch {
    return undefined;
  }
}
