/** The destination under test, for this process and for the children that are killed. */
import { join } from 'node:path';
import { sqlite } from '../../../src/destinations/sqlite/index.ts';
import type { Destination } from '../../../src/model/index.ts';

export function makeDestination(folder: string): Destination {
  return sqlite({ path: join(folder, 'test.db'), busyTimeoutMs: 300, lockTimeoutMs: 10_000 });
}

/** Cases of a file of their own: mutation tests leave it out. */
export const longCases: readonly number[] = [21, 26, 27, 29];
