import type { FileIo } from '../../src/iceberg/file-io.ts';

/** The locations of all files below a folder. */
export async function filesBelow(io: FileIo, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { location } of io.list(prefix)) found.push(location);
  return found;
}

/** `mebibytes` of bytes, no two parts of which are equal. */
export function filled(mebibytes: number): Uint8Array {
  const numbers = new Uint32Array(mebibytes * 256 * 1024);
  for (let index = 0; index < numbers.length; index++) numbers[index] = index;
  return new Uint8Array(numbers.buffer);
}
