/** For those who write destinations and sources: what they must pass. */
export { destinationConformance } from './conformance/index.ts';
export type { ConformanceCase, MakeDestination } from './conformance/index.ts';
export { failpoint, onFailpoint } from '../failpoints/index.ts';
export type { FailpointAction } from '../failpoints/index.ts';
