import { test } from 'vitest';
import { destinationConformance } from '../../../src/testing/index.ts';
import { longCases, makeDestination } from './conformance.fixture.ts';

for (const { id, title, run } of destinationConformance(makeDestination)) {
  if (!longCases.includes(id)) test(`${id}: ${title}`, run);
}
