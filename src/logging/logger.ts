/** Category loggers. Silent until the application configures logging, through here or through LogTape itself. */
import {
  ansiColorFormatter,
  configure,
  defaultTextFormatter,
  getLogger as getLogTapeLogger,
  jsonLinesFormatter,
} from '@logtape/logtape';
import type { Logger, LogRecord, Sink, TextFormatter } from '@logtape/logtape';
import { redact } from './redact.ts';
import { redactObject } from './redact-object.ts';

/**
 * The logger of a part of the package. Its category is `['plumbing', ...category]`, so an application that uses LogTape
 * can route all of them by `plumbing`.
 *
 * @example
 * ```ts
 * const log = getLogger('comdirect', 'auth');
 * log.info('token refreshed, valid for {seconds} s', { seconds: 599 });
 * ```
 */
export function getLogger(...category: readonly string[]): Logger {
  return getLogTapeLogger(['plumbing', ...category]);
}

/** Where and how logs are written. */
export interface LoggingOptions {
  /** The least severe level that is written. Default `warning`. */
  readonly level?: 'trace' | 'debug' | 'info' | 'warning' | 'error' | 'fatal';
  /** `pretty` for people (coloured on a terminal), `jsonl` for machines: one JSON document a line. Default `pretty`. */
  readonly format?: 'pretty' | 'jsonl';
  /** Default: standard error. */
  readonly stream?: { write(text: string): unknown; readonly isTTY?: boolean };
}

/**
 * Writes the package's logs to a stream. For applications (the command line calls it); a library never does. Replaces any
 * earlier LogTape configuration of the process. Messages, properties and the finished line pass through redaction.
 *
 * @example
 * ```ts
 * await configureLogging({ level: 'debug', format: 'jsonl' });
 * ```
 */
export async function configureLogging(options: LoggingOptions = {}): Promise<void> {
  const stream = options.stream ?? process.stderr;
  const format = options.format === 'jsonl' ? jsonLinesFormatter : prettyFormatter(stream.isTTY === true);
  const sink: Sink = (record) => {
    stream.write(redact(format(withoutSecrets(record))));
  };
  await configure({
    reset: true,
    sinks: { stream: sink },
    loggers: [
      { category: 'plumbing', sinks: ['stream'], lowestLevel: options.level ?? 'warning' },
      { category: ['logtape', 'meta'], sinks: ['stream'], lowestLevel: 'error' },
    ],
  });
}

function prettyFormatter(isTerminal: boolean): TextFormatter {
  return isTerminal && !process.env['NO_COLOR'] ? ansiColorFormatter : defaultTextFormatter;
}

function withoutSecrets(record: LogRecord): LogRecord {
  return {
    ...record,
    message: record.message.map(redactObject),
    properties: redactObject(record.properties) as Record<string, unknown>,
  };
}
