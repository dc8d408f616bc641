import { join } from 'node:path';
import { test } from 'vitest';
import { sqlite } from '../../../src/destinations/sqlite/index.ts';
import { destinationConformance } from '../../../src/testing/index.ts';

for (const { id, title, run } of destinationConformance((folder) => sqlite(join(folder, 'test.db')))) {
  test(`${id}: ${title}`, run);
}
