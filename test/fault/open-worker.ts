/** Child process: opens each file at a moment of its own, the same one in all such processes, and tells what was refused. */
import { openSqlite } from '../../src/destinations/sqlite/index.ts';

const { startsAt, files } = JSON.parse(process.argv[4] ?? '{}') as { startsAt: number; files: string[] };
const betweenMs = 15;
const refused: string[] = [];

for (const [index, file] of files.entries()) {
  const moment = startsAt + index * betweenMs;
  // Sleeping would spread the processes over milliseconds; they are to meet.
  while (performance.timeOrigin + performance.now() < moment);
  try {
    (await openSqlite(file)).close();
  } catch (error) {
    refused.push(String(error));
  }
}
process.send?.(refused);
process.disconnect?.();
