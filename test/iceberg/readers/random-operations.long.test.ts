/** Random sequences of operations: after each, three readers see what a Map says. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { maintainIceberg } from '../../../src/destinations/iceberg/index.ts';
import { Warehouse, tableOf } from '../../destinations/iceberg/harness.ts';
import { expectAgreement } from './agree.ts';
import { Readers } from './readers.ts';

let readers: Readers;
beforeAll(async () => {
  readers = await Readers.start();
}, 240_000);
afterAll(() => readers.close());

const key = fc.integer({ min: 0, max: 30 });
const note = fc.option(fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.toWellFormed()));
const rows = fc.array(fc.tuple(key, fc.integer({ min: 0, max: 3 }), note), { minLength: 1, maxLength: 20 });
const operation = fc.oneof(
  { weight: 4, arbitrary: rows.map((given) => ({ kind: 'upsert', given }) as const) },
  rows.map((given) => ({ kind: 'insert-only', given }) as const),
  rows.map((given) => ({ kind: 'delete-insert', given }) as const),
  rows.map((given) => ({ kind: 'replace', given }) as const),
  fc.constant({ kind: 'add column' } as const),
  fc.constant({ kind: 'compact' } as const),
  fc.constant({ kind: 'expire' } as const),
);

type Model = Map<number, { scope: number; note: string | null }>;

test('upsert, insert-only, delete-insert, replace, evolution and maintenance in any order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 2, maxLength: 8 }),
      fc.constantFrom(0, 8 * 1024 * 1024),
      fc.boolean(),
      async (operations, rewriteBelowBytes, isPartitioned) => {
        using warehouse = new Warehouse({
          rewriteBelowBytes,
          ...(isPartitioned && {
            partitionBy: { t: [{ column: 'scope' }, { column: 'id', transform: 'bucket[3]' }] },
          }),
        });
        const model: Model = new Map();
        let extra = 0;
        for (const step of operations) {
          const columns = {
            scope: 'int64',
            note: 'string',
            ...Object.fromEntries(Array.from({ length: extra }, (_, i) => [`extra_${i}`, 'date' as const])),
          } as const;
          if (step.kind === 'add column') extra++;
          else if (step.kind === 'compact')
            await maintainIceberg(warehouse.options, { expireOlderThanDays: null });
          else if (step.kind === 'expire') {
            await maintainIceberg(warehouse.options, {
              compact: false,
              expireOlderThanDays: 0,
              retainLast: 1,
            });
          } else {
            const write =
              step.kind === 'replace'
                ? ({ mode: 'replace' } as const)
                : step.kind === 'delete-insert'
                  ? ({ mode: 'merge', strategy: step.kind, scope: ['scope'] } as const)
                  : ({ mode: 'merge', strategy: step.kind } as const);
            const table = { ...tableOf(columns, write), primaryKey: ['id'] };
            await warehouse.load(table, step.given);
            apply(model, step.kind, step.given);
          }
          if (model.size === 0) continue;
          expect(await warehouse.rows('t', { columns: ['id', 'scope', 'note'], orderBy: ['id'] })).toEqual(
            [...model].toSorted(([a], [b]) => a - b).map(([id, row]) => ({ id, ...row })),
          );
          await expectAgreement(readers, warehouse);
        }
      },
    ),
    { numRuns: 25 },
  );
}, 300_000);

function apply(
  model: Model,
  kind: 'upsert' | 'insert-only' | 'delete-insert' | 'replace',
  given: readonly (readonly [number, number, string | null])[],
): void {
  if (kind === 'replace') model.clear();
  if (kind === 'delete-insert') {
    const scopes = new Set(given.map(([, scope]) => scope));
    for (const [id, { scope }] of model) if (scopes.has(scope)) model.delete(id);
  }
  for (const [id, scope, text] of given) {
    if (kind === 'insert-only' && model.has(id)) continue;
    model.set(id, { scope, note: text });
  }
}
