import type { StatementSync } from 'node:sqlite';
import type { SqlValue } from './codec.ts';

/** The rows of a query, one after the other. */
export function* iterate(
  statement: StatementSync,
  ...parameters: readonly SqlValue[]
): Generator<Record<string, SqlValue>, StatementSync> {
  yield* statement.iterate(...parameters) as Iterable<Record<string, SqlValue>>;
  // Named again, so that it is not collected meanwhile: Node 22.13 would end the iteration with an error.
  return statement;
}
