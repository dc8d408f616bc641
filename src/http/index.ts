/** HTTP for sources: one origin, bounded, exact. */
export { createHttpClient } from './client.ts';
export { systemClock } from './clock.ts';
export { untilAborted } from './until-aborted.ts';
export { parseJson } from './json.ts';
export { readPages } from './paginate.ts';
export type { Page, PageOptions } from './paginate.ts';
export type {
  Clock,
  HttpClient,
  HttpClientOptions,
  HttpRequest,
  HttpResponse,
  RateLimit,
  RetryPolicy,
} from './types.ts';
