/** The destination conformance suite: what every destination must do, compared value by value. */
import { atFreshPlace } from './harness.ts';
import type { ConformanceCase, MakeDestination } from './harness.ts';
import { loadCases } from './load-cases.ts';
import { valueCases } from './value-cases.ts';
import { writeCases } from './write-cases.ts';

export type { ConformanceCase, MakeDestination } from './harness.ts';

/**
 * The cases that run in one process, for any test runner. Each runs at an empty folder of its own, which is removed
 * afterwards. Cases that need processes, kills or full disks (21, 27, 29) depend on the machine, and are not among them.
 *
 * @example
 * ```ts
 * import { test } from 'vitest';
 * import { destinationConformance } from 'plumbing-core/testing';
 *
 * for (const { id, title, run } of destinationConformance((folder) => myDestination(`${folder}/data`))) {
 *   test(`${id}: ${title}`, run);
 * }
 * ```
 */
export function destinationConformance(makeDestination: MakeDestination): readonly ConformanceCase[] {
  return [...writeCases, ...valueCases, ...loadCases]
    .map(([id, title, run]) => ({ id, title, run: () => atFreshPlace(makeDestination, run) }))
    .toSorted((a, b) => a.id - b.id);
}
