/** A folder for each test. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** Linux has a file system in memory there. */
const inMemory = '/dev/shm';

function canWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Makes a folder before each test of the file, and removes it afterwards. In memory, where there is such a place: a kill
 * can not show what a disk has lost, so that to wait for the disk would only cost time.
 */
export function useFolder(place: 'memory' | 'disk' = 'memory'): () => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(
      join(place === 'memory' && canWrite(inMemory) ? inMemory : tmpdir(), 'plumbing-fault-'),
    );
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}
