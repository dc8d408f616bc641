/** For those who write destinations and sources: what they must pass. */
export { destinationConformance } from './conformance/index.ts';
export type { ConformanceCase, MakeDestination } from './conformance/index.ts';
