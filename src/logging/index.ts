/** Category loggers, secrets and redaction. */
export { configureLogging, getLogger } from './logger.ts';
export type { LoggingOptions } from './logger.ts';
export { redact, redactUrl } from './redact.ts';
export { redactError, redactObject } from './redact-object.ts';
export type { RedactedError } from './redact-object.ts';
export { Secret } from './secret.ts';
