/** For those who write destinations and sources: what they must pass, and the faults they must bear. */
export { destinationConformance, sourceConformance } from './conformance/index.ts';
export type {
  ConformanceCase,
  ConformanceOptions,
  DestinationFault,
  MakeDestination,
  SourceFault,
  SourceUnderTest,
} from './conformance/index.ts';
export {
  cutShort,
  drip,
  dropConnection,
  gzipBomb,
  hang,
  redirectTo,
  reply,
  replyJson,
  startChaosServer,
} from './chaos-server.ts';
export type { Answer, ChaosServer, SeenRequest } from './chaos-server.ts';
export { temporaryDatabase } from './temporary-database.ts';
export type { TemporaryDatabase } from './temporary-database.ts';
export { failpoint, onFailpoint } from '../failpoints/index.ts';
export type { FailpointAction } from '../failpoints/index.ts';
