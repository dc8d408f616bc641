/** Typed, coded errors. */
export { PlumbingError, HttpError, isPlumbingError } from './plumbing-error.ts';
export type { ErrorCode, ErrorContext, PlumbingErrorOptions } from './plumbing-error.ts';
