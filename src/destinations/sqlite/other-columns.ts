/** Columns that somebody else has added to a table of ours: their own notes, or what is computed from our columns. */
import type { DatabaseSync } from 'node:sqlite';
import type { TableDefinition } from '../../model/index.ts';
import { physicalColumns } from '../../model/table-layout.ts';

/** One such column. */
export interface OtherColumn {
  readonly name: string;
  /** As it stands in `CREATE TABLE`; `undefined` where it can't be told. */
  readonly definition: string | undefined;
  /** It has values of its own; else it is computed. */
  readonly hasValues: boolean;
}

/** The columns of the stored table that its definition does not know, in their order. */
export function otherColumns(db: DatabaseSync, stored: TableDefinition): OtherColumn[] {
  const own = new Set(physicalColumns(stored).map(({ name }) => name.toLowerCase()));
  const others = db
    .prepare('SELECT name, hidden FROM pragma_table_xinfo(?)')
    .all(stored.name)
    .map(({ name, hidden }) => ({ name: String(name), hasValues: hidden === 0 }))
    .filter(({ name }) => !own.has(name.toLowerCase()));
  if (others.length === 0) return [];
  const table = db
    .prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE")
    .get(stored.name);
  const definitions = columnDefinitions(String(table?.['sql']));
  return others.map((column) => ({ ...column, definition: definitions.get(column.name.toLowerCase()) }));
}

const tokens =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[(),]|[^\s(),'"`[]+|\s+/g;

/** What stands between the commas of a `CREATE TABLE`, by the name with which it begins, in lower case. */
function columnDefinitions(sql: string): Map<string, string> {
  const definitions = new Map<string, string>();
  let depth = 0;
  let item = '';
  const take = (): void => {
    const name = /^\s*(?:"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|'(?:[^']|'')*'|[^\s(]+)/
      .exec(item)?.[0]
      .trim();
    if (name !== undefined) definitions.set(unquoted(name).toLowerCase(), item.trim());
    item = '';
  };
  for (const [token] of sql.matchAll(tokens)) {
    if (token.startsWith('--') || token.startsWith('/*')) continue;
    if (token === ')' && --depth === 0) break;
    if (token === ',' && depth === 1) take();
    else if (depth > 0) item += token;
    if (token === '(') depth++;
  }
  take();
  return definitions;
}

function unquoted(name: string): string {
  const [first = ''] = name;
  if (first === '[') return name.slice(1, -1);
  return '"`\''.includes(first) ? name.slice(1, -1).replaceAll(first + first, first) : name;
}
