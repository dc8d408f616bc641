/** The conformance cases that start processes, or take long. */
import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'vitest';
import { destinationConformance } from '../../../src/testing/index.ts';
import type { DestinationFault } from '../../../src/testing/index.ts';
import { longCases, makeDestination } from './conformance.fixture.ts';

const faults: readonly DestinationFault[] = [
  {
    name: 'another program holds a write lock on the catalog',
    async begin(folder) {
      const db = new DatabaseSync(join(folder, 'warehouse', 'catalog.db'));
      db.exec('BEGIN IMMEDIATE');
      return async () => db.close();
    },
  },
  {
    name: 'the catalog was overwritten with something else',
    async begin(folder) {
      const file = join(folder, 'warehouse', 'catalog.db');
      await rename(file, `${file}.kept`);
      await writeFile(file, 'not a database, but long enough to look like one at first sight', {
        mode: 0o600,
      });
      return async () => {
        await rename(`${file}.kept`, file);
        await chmod(file, 0o600);
      };
    },
  },
];

const module = new URL('./conformance.fixture.ts', import.meta.url);
for (const { id, title, run } of destinationConformance(makeDestination, { module, faults })) {
  if (longCases.includes(id)) test(`${id}: ${title}`, run, 300_000);
}
