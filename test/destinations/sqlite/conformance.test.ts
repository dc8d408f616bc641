import { join } from 'node:path';
import { test } from 'vitest';
import { sqlite } from '../../../src/destinations/sqlite/index.ts';
import { destinationConformance } from '../../../src/testing/index.ts';

/** SQLite keeps -0 in a REAL column as 0: the same number, without its sign (see values.test.ts). */
const cannot = /float64 -0/;

for (const each of destinationConformance((folder) => sqlite(join(folder, 'test.db')))) {
  test.skipIf(cannot.test(each.title))(`${each.id}: ${each.title}`, () => each.run());
}
