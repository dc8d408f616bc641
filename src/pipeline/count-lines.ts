/** Reads the lines of a part of a file, and compares them with a pattern. */
import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';

/** What is read and looked at together; more at once would take memory, and no less time. */
const chunkBytes = 256 * 1024;
/** Longer lines are not read: some readers of JSON lines have a limit of their own. */
const maxLineBytes = 1024 * 1024;
const newline = 0x0a;

/** A part of a file, in bytes. It begins and ends where lines do. */
export interface FilePart {
  readonly start: number;
  /** Absent: to the end of the file, whose last line may lack its end. */
  readonly end?: number | undefined;
}

/**
 * The number of lines when all of them match; `undefined` when one does not. `expression` is sticky and takes a line with its end, read
 * as Latin-1.
 */
export async function countLinesOf(
  path: string,
  { start, end = Infinity }: FilePart,
  expression: RegExp,
  signal?: AbortSignal,
): Promise<number | undefined> {
  // One byte more, for the end of a last line that lacks it.
  const buffer = Buffer.alloc(maxLineBytes + chunkBytes + 1);
  const file = await open(path, 'r');
  try {
    let rows = 0;
    let kept = 0;
    for (let at = start; ;) {
      signal?.throwIfAborted();
      const wanted = Math.min(chunkBytes, end - at);
      const { bytesRead } = wanted > 0 ? await file.read(buffer, kept, wanted, at) : { bytesRead: 0 };
      at += bytesRead;
      let length = kept + bytesRead;
      if (bytesRead === 0) {
        if (kept === 0) return rows;
        buffer[length++] = newline;
      }
      const whole = buffer.subarray(0, length).lastIndexOf(newline) + 1;
      const lines = buffer.subarray(0, whole);
      if (!isUtf8(lines)) return undefined;
      // One character a byte: quicker than to decode, and no line's end is part of another character.
      const text = lines.toString('latin1');
      expression.lastIndex = 0;
      for (let line = 0; line < whole; line = expression.lastIndex) {
        if (!expression.test(text)) return undefined;
        rows++;
      }
      kept = length - whole;
      if (kept > maxLineBytes) return undefined;
      buffer.copyWithin(0, whole, length);
      if (bytesRead === 0) return rows;
    }
  } finally {
    await file.close();
  }
}

/** The bytes from a place in a file to the end of the line, as far as a line may be long. */
export async function lineAt(path: string, start: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(maxLineBytes);
    const { bytesRead } = await file.read(buffer, 0, maxLineBytes, start);
    const end = buffer.subarray(0, bytesRead).indexOf(newline);
    return buffer.subarray(0, end === -1 ? bytesRead : end + 1);
  } finally {
    await file.close();
  }
}
