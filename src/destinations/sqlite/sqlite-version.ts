/** Which SQLite this Node brings along. */
import { getLogger } from '../../logging/index.ts';

const log = getLogger('destinations');
let isChecked = false;

/** First version without the bug by which several writing processes could damage a database in WAL mode (since 3.7.0). */
const firstSafe = [3, 51, 3] as const;

/** Warns once a process when SQLite has the WAL-reset bug. One load at a time is safe; other writers beside it are not. */
export function warnOfOldSqlite(): void {
  if (isChecked) return;
  isChecked = true;
  const version = process.versions['sqlite'] ?? '0';
  if (isSafe(version)) return;
  log.warn(
    'SQLite {version} of Node {node} can damage a database that several processes write at the same moment; use a Node with SQLite {safe} or later',
    { version, node: process.versions.node, safe: firstSafe.join('.') },
  );
}

/** Whether `version` is free of the WAL-reset bug (fixed in 3.51.3). */
function isSafe(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, minimum] of firstSafe.entries()) {
    const part = parts[index] ?? 0;
    if (part !== minimum) return part > minimum;
  }
  return true;
}
