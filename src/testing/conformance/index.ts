/** The destination conformance suite: what every destination must do, compared value by value. */
import { atFreshPlace } from './harness.ts';
import type { ConformanceCase, ConformanceOptions, MakeDestination } from './harness.ts';
import { loadCases } from './load-cases.ts';
import { processCases } from './process-cases.ts';
import { valueCases } from './value-cases.ts';
import { writeCases } from './write-cases.ts';

export { sourceConformance } from './source-cases.ts';
export type { SourceFault, SourceUnderTest } from './source-cases.ts';
export type { ConformanceCase, ConformanceOptions, DestinationFault, MakeDestination } from './harness.ts';

/**
 * The 30 cases, for any test runner. Each runs at an empty folder of its own, which is removed afterwards. Case 21 starts
 * some sixty processes; give it two minutes.
 *
 * @example
 * ```ts
 * import { test } from 'vitest';
 * import { destinationConformance } from 'plumbing-core/testing';
 * import { makeDestination } from './my-destination.fixture.ts';
 *
 * const module = new URL('./my-destination.fixture.ts', import.meta.url);
 * for (const { id, title, run } of destinationConformance(makeDestination, { module })) {
 *   test(`${id}: ${title}`, run, 120_000);
 * }
 * ```
 */
export function destinationConformance(
  makeDestination: MakeDestination,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  return [...writeCases, ...valueCases, ...loadCases, ...processCases]
    .map(([id, title, run]) => ({ id, title, run: () => atFreshPlace(makeDestination, options, run) }))
    .toSorted((a, b) => a.id - b.id);
}
