import { isPlumbingError } from '../errors/index.ts';
import type { RunReport } from '../pipeline/index.ts';

/** Exit codes of the command, documented in the README. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  needsPerson: 3,
  checksFailed: 4,
  /** 128 + SIGINT */
  interrupted: 130,
  /** 128 + SIGTERM */
  terminated: 143,
} as const;

/** The exit code that an error calls for. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode;
  if (isPlumbingError(error) && needsPerson(error.code)) return exitCodes.needsPerson;
  if (isPlumbingError(error, 'CONFIG_INVALID')) return exitCodes.usage;
  return exitCodes.failed;
}

/** Whether another run would only fail again, or do harm: a refused PIN must not be sent by each run of a schedule. */
function needsPerson(code: string): boolean {
  return code === 'AUTH_NEEDS_PERSON' || code === 'AUTH_CHALLENGE_LIMIT' || code === 'AUTH_REJECTED';
}

/** The exit code that a report calls for. */
export function exitCodeOfReport(report: RunReport): number {
  if (report.status === 'succeeded') return exitCodes.done;
  if (report.status === 'checks_failed') return exitCodes.checksFailed;
  return report.streams.some(({ error }) => error && needsPerson(error.code))
    ? exitCodes.needsPerson
    : exitCodes.failed;
}

/** The reason with which a signal of the system aborts a command. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`stopped by ${signal}; what was committed stays`);
    this.exitCode = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
  }
}
