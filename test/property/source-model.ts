/** A source whose rows a test plans beforehand, and the table that they should become. */
import { z } from 'zod';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import { date, defineSource, defineStream, int64 } from '../../src/model/index.ts';
import type { Source } from '../../src/model/index.ts';

/** One version of a row. */
export interface Item {
  readonly id: number;
  readonly day: string;
  readonly version: number;
}

/** What the table should hold: the last version of each row. */
export function modelOf(items: readonly Item[]): Item[] {
  const byId = new Map(items.map((item) => [item.id, item]));
  return [...byId.values()].toSorted((a, b) => a.id - b.id);
}

/** How the stream is read and written. */
export interface ItemMode {
  readonly order?: 'ascending' | 'unordered';
  readonly write: 'upsert' | 'replace';
}

/** Gives the items from the cursor on, `pageSize` at a time; `beforePage` may throw, or abort the run. */
export function plannedSource(
  items: readonly Item[],
  { order, write }: ItemMode,
  pageSize: number,
  beforePage: (page: number) => void = () => undefined,
): Source {
  const schema = z.object({ id: int64(), day: date(), version: int64() });
  const stream = defineStream({
    name: 'items',
    schema,
    primaryKey: ['id'],
    write,
    ...(order && { cursor: { column: 'day', order } }),
    async *read({ from }) {
      const due = items.filter(({ day }) => from === undefined || day >= from);
      for (let page = 0; page * pageSize < due.length; page++) {
        beforePage(page);
        yield due.slice(page * pageSize, (page + 1) * pageSize);
      }
      beforePage(Math.ceil(due.length / pageSize));
    },
  });
  return defineSource({ name: 'planned', streams: [stream] });
}

/** The table as it is, in the form of the model; empty while there is no table. */
export async function storedItems(path: string): Promise<Item[]> {
  const session = await sqlite(path).open({ readOnly: true });
  try {
    if (!(await session.reader.columns('items'))) return [];
    const rows: Item[] = [];
    const query = { columns: ['id', 'day', 'version'], orderBy: ['id'] };
    for await (const row of session.reader.readRows('items', query)) rows.push(row as unknown as Item);
    return rows;
  } finally {
    await session.close();
  }
}
