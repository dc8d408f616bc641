/** Looks at a file of JSON lines that a destination reads by itself: every line must surely fit. */
import { isUtf8 } from 'node:buffer';
import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { PlumbingError } from '../errors/index.ts';
import { linePattern, pathKey } from '../model/index.ts';
import type { RowFile, Stream, TableDefinition } from '../model/index.ts';

const chunkBytes = 4 * 1024 * 1024;
/** Longer lines are parsed: some readers of JSON lines have a limit of their own. */
const maxLineBytes = 1024 * 1024;
const newline = 0x0a;

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
    identity = identityOf(path);
    keys = await withFile(path, keysOf);
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
    const rows = await withFile(path, (file) => countLines(file, pattern.expression, signal));
    requireUnchanged();
    return rows;
  };
  return { path, fields, countFitting, requireUnchanged };
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

function identityOf(path: string): string {
  const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}

/** The fields of the first line, in their order. */
async function keysOf(file: FileHandle): Promise<readonly string[] | undefined> {
  const buffer = Buffer.alloc(maxLineBytes);
  const { bytesRead } = await file.read(buffer, 0, maxLineBytes, 0);
  const end = buffer.subarray(0, bytesRead).indexOf(newline);
  const line = buffer.toString('utf8', 0, end === -1 ? bytesRead : end);
  try {
    const row: unknown = JSON.parse(line);
    return typeof row === 'object' && row !== null ? Object.keys(row) : undefined;
  } catch {
    return undefined;
  }
}

/** Number of lines when all of them match; `undefined` when one does not. Reads about 1 GB a second. */
async function countLines(
  file: FileHandle,
  expression: RegExp,
  signal: AbortSignal,
): Promise<number | undefined> {
  // One byte more, for the end of a last line that lacks it.
  const buffer = Buffer.alloc(chunkBytes + 1);
  let rows = 0;
  let kept = 0;
  for (let at = 0; ;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, kept, chunkBytes - kept, at);
    at += bytesRead;
    let length = kept + bytesRead;
    if (bytesRead === 0) {
      if (kept === 0) return rows;
      buffer[length++] = newline;
    }
    const end = buffer.subarray(0, length).lastIndexOf(newline) + 1;
    const lines = buffer.subarray(0, end);
    if (!isUtf8(lines)) return undefined;
    // One character a byte: quicker than to decode, and no line's end is part of another character.
    const text = lines.toString('latin1');
    expression.lastIndex = 0;
    for (let line = 0; line < end; line = expression.lastIndex) {
      if (!expression.test(text)) return undefined;
      rows++;
    }
    kept = length - end;
    if (kept > maxLineBytes) return undefined;
    buffer.copyWithin(0, end, length);
    if (bytesRead === 0) return rows;
  }
}
