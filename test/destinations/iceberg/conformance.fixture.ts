/** What the conformance suite makes in this process and in its children. */
import { iceberg } from '../../../src/destinations/iceberg/index.ts';
import type { Destination } from '../../../src/model/index.ts';

export function makeDestination(folder: string): Destination {
  return iceberg({ warehouse: `${folder}/warehouse`, busyTimeoutMs: 300, lockTimeoutMs: 10_000 });
}

/** Cases that need processes, or minutes. */
export const longCases: readonly number[] = [21, 26, 27, 29];
