/** Names of columns, whatever a source calls its fields and in whatever order and run they come. */
import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quoteIdentifier } from '../../src/model/sql-text.ts';
import { isPlumbingError } from '../../src/errors/index.ts';
import { ColumnNames, columnName, pathKey } from '../../src/model/index.ts';
import type { Column } from '../../src/model/index.ts';

const field = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  // Few letters, so that names meet.
  fc.string({ unit: fc.constantFrom('a', 'A', '_', '1', ' ', 'é', 'e\u0301'), maxLength: 4 }),
  fc.constantFrom(
    '__proto__',
    '_plumbing_load_id',
    '_inserted_at_ts',
    'x'.repeat(200),
    `${'x'.repeat(200)}y`,
  ),
);
const path = fc.array(field, { minLength: 1, maxLength: 3 });

/** The field that an attacker would send to get the name that `given` falls back to when its first choice is taken. */
function rivalOf(given: readonly string[]): string[] {
  const digest = createHash('sha256').update(pathKey(given)).digest('hex').slice(0, 8);
  return [`${columnName(given).slice(0, 91)}_${digest}`];
}

test('a path keeps its name over all runs, and no two paths of a table ever share one', () => {
  const run = fc.array(fc.record({ path, withRival: fc.boolean() }), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(run, { maxLength: 4 }), (runs) => {
      const nameOf = new Map<string, string>();
      const stored: Column[] = [];
      for (const fields of runs) {
        const names = new ColumnNames(stored);
        const paths = fields.flatMap((one) => (one.withRival ? [rivalOf(one.path), one.path] : [one.path]));
        for (const one of paths) {
          const name = names.nameFor(one);
          const known = nameOf.get(pathKey(one));
          if (known === undefined) stored.push({ name, type: 'string', nullable: true, path: one });
          else expect(name).toBe(known);
          nameOf.set(pathKey(one), name);
          expect(name.length).toBeLessThanOrEqual(100);
        }
      }
      const all = [...nameOf.values()].map((name) => name.toLowerCase());
      expect(new Set(all).size).toBe(all.length);
    }),
    { numRuns: 500 },
  );
});

test('any name of a table or column comes back from SQLite as it was, or is refused before it gets there', () => {
  const db = new DatabaseSync(':memory:');
  const hostile = fc.string({
    unit: fc.constantFrom('"', "'", '`', ']', ';', '-', '\\', ' ', 'a', 'é', '😀', '\n'),
    minLength: 1,
  });
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), hostile), (name) => {
      let quoted: string;
      try {
        quoted = quoteIdentifier(name);
      } catch (error) {
        expect(isPlumbingError(error, 'SCHEMA_INVALID')).toBe(true);
        expect(name === '' || name.includes('\0') || !name.isWellFormed()).toBe(true);
        return;
      }
      // Names of SQLite's own are refused by SQLite.
      fc.pre(!/^sqlite_/i.test(name));
      db.exec(`CREATE TABLE ${quoted} (${quoted})`);
      db.exec(`INSERT INTO ${quoted} (${quoted}) VALUES (7)`);
      expect({ ...db.prepare(`SELECT ${quoted} FROM ${quoted}`).get() }).toEqual({ [name]: 7 });
      const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
      expect(tables.map((row) => row['name'])).toEqual([name]);
      db.exec(`DROP TABLE ${quoted}`);
    }),
    { numRuns: 500 },
  );
  db.close();
});
