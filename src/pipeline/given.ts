/** What a source's `read` gives, looked at: sources in plain JavaScript, or cast, give anything. */
import { PlumbingError } from '../errors/index.ts';
import type { Batch, FileBatch, Stream } from '../model/index.ts';

/** What `read` gives. */
export type Given = ReturnType<Stream['read']>;
type Item = Batch | FileBatch | readonly unknown[];

/** @throws PlumbingError `SOURCE_FAILED` when it is nothing to iterate over. */
export function requireIterable(given: Given, stream: string): Given {
  if (typeof (given as Partial<Given> | undefined)?.[Symbol.asyncIterator] === 'function') return given;
  throw new PlumbingError(
    'SOURCE_FAILED',
    `stream "${stream}": read gave nothing to iterate over; write it as async *read() { yield rows; }`,
  );
}

/** Whether an item is a file of rows. */
export function isFile(item: Item): item is FileBatch {
  return typeof item === 'object' && item !== null && 'jsonLines' in item;
}

/** @throws PlumbingError `SOURCE_FAILED` when the item is no batch. */
export function requireBatch(item: Batch | readonly unknown[], stream: string): Batch {
  if (isRows(item)) return { rows: item };
  if (Array.isArray((item as Partial<Batch> | null | undefined)?.rows)) return item;
  throw new PlumbingError(
    'SOURCE_FAILED',
    `stream "${stream}": read yielded ${kindOf(item)}; yield an array of rows, or { rows }`,
  );
}

function isRows(item: Batch | readonly unknown[]): item is readonly unknown[] {
  return Array.isArray(item);
}

function kindOf(item: unknown): string {
  if (item === null || item === undefined) return String(item);
  return typeof item === 'object' ? 'an object without rows' : `a ${typeof item}`;
}
