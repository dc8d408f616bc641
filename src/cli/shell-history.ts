/** What was typed in `plumbing shell` before, in a private file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const maxLines = 1_000;

/** The lines, latest first, as `node:readline` wants them. */
export function readHistory(folder: string): string[] {
  try {
    return readFileSync(join(folder, 'shell-history'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .toReversed();
  } catch {
    // None yet, or not readable: the shell works without.
    return [];
  }
}

/** Keeps the lines, but none that begins with a space. */
export async function writeHistory(folder: string, lines: readonly string[]): Promise<void> {
  const { writeFileAtomic } = await import('../auth/index.ts');
  const kept = lines.filter((line) => line !== '' && !line.startsWith(' ')).slice(0, maxLines);
  await writeFileAtomic(join(folder, 'shell-history'), kept.toReversed().join('\n'));
}
