/** Files with one JSON object a line. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { PlumbingError } from '../../errors/index.ts';
import { parseJson } from '../../http/index.ts';
import type { FileBatch } from '../../model/index.ts';

const batchRows = 5_000;
/** The same, in characters of the lines: rows may be large. */
const batchLength = 16 * 1024 * 1024;
const chunkBytes = 1024 * 1024;
/** A longer line is refused: it would have to be in memory as a whole, several times over. */
const maxLineBytes = 64 * 1024 * 1024;
const newline = 0x0a;

/**
 * The rows of files of JSON lines (UTF-8, one object a line; empty lines are passed over), for the `read` of a stream: one
 * batch a file, in the order given. A line that is no JSON goes to the quarantine as text, as a row that does not fit does.
 *
 * A destination that can read such a file by itself does so (Iceberg, with DuckDB installed), which is several times as
 * quick, when every line surely fits the schema: plain texts, `int64`, `decimal` of up to 18 digits, `date`, `timestamp`,
 * booleans and numbers, fields in the same order in each line, none that the schema does not know, no cursor.
 *
 * @throws PlumbingError `SOURCE_FAILED` while reading: a file that can't be read or is not UTF-8, or changes while the destination
 * reads it;
 * `LIMIT_EXCEEDED` for a line of more than 64 MiB, or nested deeper than 64 levels.
 *
 * @example
 * ```ts
 * const orders = defineStream({
 *   name: 'orders',
 *   schema: z.object({ id: int64(), amount: decimal(18, 4), ordered_on: date() }),
 *   primaryKey: ['id'],
 *   write: 'upsert',
 *   read: () => jsonLines('orders-2026-11.jsonl', 'orders-2026-12.jsonl'),
 * });
 * ```
 */
export async function* jsonLines(...paths: readonly string[]): AsyncGenerator<FileBatch> {
  for (const path of paths) yield { jsonLines: path, read: () => readRows(path) };
}

async function* readRows(path: string): AsyncGenerator<readonly unknown[]> {
  const file = await openFile(path);
  try {
    let rows: unknown[] = [];
    let length = 0;
    let number = 0;
    for await (const text of linesOf(file, path)) {
      const line = number++ === 0 ? text.replace(/^\ufeff/, '') : text;
      if (line.trim() === '') continue;
      rows.push(rowOf(line, `${path}, line ${number}`));
      length += line.length;
      if (rows.length === batchRows || length >= batchLength) {
        yield rows;
        rows = [];
        length = 0;
      }
    }
    if (rows.length > 0) yield rows;
  } finally {
    await file.close();
  }
}

function rowOf(line: string, what: string): unknown {
  try {
    return parseJson(line, what);
  } catch (error) {
    if (error instanceof PlumbingError && error.code === 'HTTP_BAD_BODY') return line;
    throw error;
  }
}

async function* linesOf(file: FileHandle, path: string): AsyncGenerator<string> {
  let buffer = Buffer.alloc(chunkBytes);
  let kept = 0;
  for (;;) {
    if (kept === buffer.length) {
      if (kept >= maxLineBytes)
        throw new PlumbingError('LIMIT_EXCEEDED', `${path} has a line of more than ${maxLineBytes} bytes`);
      buffer = Buffer.concat([buffer], 2 * kept);
    }
    const bytesRead = await read(file, buffer, kept, path);
    const length = kept + bytesRead;
    const end = bytesRead === 0 ? length : buffer.subarray(0, length).lastIndexOf(newline) + 1;
    const hasEnd = buffer[end - 1] === newline;
    if (end > 0) yield* textOf(buffer.subarray(0, hasEnd ? end - 1 : end), path).split('\n');
    if (bytesRead === 0) return;
    buffer.copyWithin(0, end, length);
    kept = length - end;
  }
}

/** Reads behind the bytes that were kept. A folder can be opened, but not read. */
async function read(file: FileHandle, buffer: Buffer, kept: number, path: string): Promise<number> {
  try {
    return (await file.read(buffer, kept, buffer.length - kept)).bytesRead;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new PlumbingError('SOURCE_FAILED', `${path} is not UTF-8; convert it first`);
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): PlumbingError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
  return new PlumbingError(
    'SOURCE_FAILED',
    `${path} can't be read (${code}); check the path and its permissions`,
    { cause },
  );
}
