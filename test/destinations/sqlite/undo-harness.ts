/** What the tests of taking back share: a look at all that is stored, and loads of several steps. */
import { DatabaseSync } from 'node:sqlite';
import type { Column, Row, StateEntry, TableDefinition, UndoReport } from '../../../src/model/index.ts';
import type { TestDatabase } from './harness.ts';

/** One step of a load of one table. */
export interface Step {
  readonly evolve?: readonly Column[];
  readonly rows?: readonly Row[];
  readonly scopes?: readonly Record<string, string | number>[];
  readonly quarantine?: readonly unknown[];
  /** A checkpoint follows, with this state. */
  readonly checkpoint?: readonly StateEntry[];
}

/** A load of several tables, with all its steps. Gives its id. */
export async function loadSteps(
  database: TestDatabase,
  work: readonly (readonly [TableDefinition, readonly Step[]])[],
  more: { staged?: boolean; pipeline?: string; state?: readonly StateEntry[]; end?: 'abort' } = {},
): Promise<string> {
  const { state = [], end, ...info } = more;
  const session = await database.session();
  const loadInfo = database.info(
    work.map(([table]) => table),
    info,
  );
  const load = await session.begin(loadInfo);
  for (const [{ name }, steps] of work) {
    for (const step of steps) {
      if (step.evolve) await load.evolve(name, step.evolve);
      if (step.rows ?? step.scopes) await load.write(name, step.rows ?? [], step.scopes);
      const raws = step.quarantine ?? [];
      await load.quarantine(
        name,
        raws.map((raw, index) => ({ index, reason: 'odd', raw })),
      );
      if (step.checkpoint) await load.checkpoint(step.checkpoint);
    }
    await load.finishTable(
      name,
      state.filter(({ stream }) => stream === name),
    );
  }
  if (end === 'abort') await load.abort('on purpose');
  else await load.publish();
  await session.close();
  return loadInfo.loadId;
}

/** Takes a load back. */
export async function undo(database: TestDatabase, loadId: string): Promise<UndoReport> {
  const session = await database.session();
  try {
    return (await session.undo?.(loadId, new AbortController().signal)) as UndoReport;
  } finally {
    await session.close();
  }
}

/** All rows of all tables, each cell with its type; without run records, schemas and what is kept for taking back. */
export function contentOf({ path }: TestDatabase): Record<string, string[]> {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const names = db
      .prepare(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
         AND name NOT IN ('_plumbing_loads', '_plumbing_schemas') AND name NOT LIKE '\\_plumbing\\_undo%' ESCAPE '\\'`,
      )
      .all();
    return Object.fromEntries(
      names.map(({ name }) => {
        const statement = db.prepare(`SELECT * FROM "${String(name)}"`);
        statement.setReadBigInts(true);
        return [String(name), statement.all().map(rowText).toSorted()];
      }),
    );
  } finally {
    db.close();
  }
}

function rowText(row: Record<string, unknown>): string {
  return Object.entries(row)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, cell]) => `${name}=${typeof cell}:${cell instanceof Uint8Array ? cell.join() : String(cell)}`,
    )
    .join(' ');
}

/** What the undo log holds on to. */
export function keptOf(database: TestDatabase): { loads: number; images: number } {
  const [row] = database.sql(
    `SELECT count(*) AS images,
       CASE WHEN EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_plumbing_undo_loads') THEN 1 ELSE 0 END AS has
     FROM sqlite_schema WHERE name LIKE '\\_plumbing\\_undo\\_\\_%' ESCAPE '\\'`,
  );
  const loads =
    row?.['has'] === 1 ? database.sql('SELECT count(*) AS n FROM _plumbing_undo_loads')[0]?.['n'] : 0;
  return { loads: Number(loads), images: Number(row?.['images']) };
}
