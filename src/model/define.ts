/** How connectors are written: `defineSource` and `defineStream`. */
import type { z } from 'zod';
import { PlumbingError } from '../errors/index.ts';
import { compileSchema } from './compile.ts';
import type { CursorOptions, ReadContext, Source, Stream } from './source.ts';
import type {
  CursorColumn,
  CursorValue,
  ModeOf,
  ScopeOf,
  StreamColumn,
  WriteModeName,
} from './stream-type.ts';
import { bookkeepingColumns, takesWholeSets } from './table.ts';
import type { Column, DriftPolicy, TableDefinition, WriteMode } from './table.ts';

/** What {@link defineStream} takes. */
export interface StreamOptions<
  S extends z.ZodObject,
  C extends CursorColumn<S> = CursorColumn<S>,
  W extends WriteMode | WriteModeName = WriteMode | WriteModeName,
> {
  /** Name of the stream and of its table. */
  readonly name: string;
  /** Shape of one row as `read` yields it. Without one, columns are inferred from the rows. */
  readonly schema?: S;
  /** Column names, e.g. `['account_id', 'reference']`. */
  readonly primaryKey?: readonly StreamColumn<S>[];
  /** See {@link Stream.rowKey}. */
  readonly rowKey?: 'hash';
  readonly cursor?: CursorOptions & { readonly column: C };
  /** Default: `upsert` with a key, `append` without. */
  readonly write?: W & ScopeOf<S, W>;
  /** Default `evolve`. */
  readonly drift?: DriftPolicy;
  readonly partitions?: NonNullable<Stream['partitions']>;
  /** See {@link Stream.read}. `from` has the type of the cursor's column. */
  read(context: ReadContext<CursorValue<S, C>>): ReturnType<Stream['read']>;
}

/** A stream that knows its row type. */
export interface TypedStream<
  S extends z.ZodObject,
  W extends WriteMode | WriteModeName = WriteMode,
> extends Stream {
  readonly schema?: S;
  readonly write: ModeOf<W>;
}

/**
 * Checks and completes the definition of a stream.
 *
 * @throws PlumbingError `SCHEMA_INVALID` when a key, cursor or scope names no column, when a mode lacks its key, or when a
 * cursor would have a table replaced by its latest rows.
 *
 * @example
 * ```ts
 * const releases = defineStream({
 *   name: 'releases',
 *   schema: z.object({ id: int64(), tagName: z.string(), publishedAt: timestamp() }),
 *   primaryKey: ['id'],
 *   cursor: { column: 'published_at' },
 *   async *read({ from }) {
 *     yield await fetchReleases({ since: from });
 *   },
 * });
 * ```
 */
export function defineStream<
  S extends z.ZodObject,
  C extends CursorColumn<S> = CursorColumn<S>,
  const W extends WriteMode | WriteModeName = WriteMode | WriteModeName,
>(options: StreamOptions<S, C, W>): TypedStream<S, W> {
  const { write, ...rest } = options;
  const keyed = options.rowKey !== undefined || (options.primaryKey?.length ?? 0) > 0;
  const mode = writeModeOf(write ?? (keyed ? 'upsert' : 'append'));
  const stream: TypedStream<S, W> = { ...rest, write: mode as ModeOf<W> };
  checkStream(stream, keyed);
  return stream;
}

function writeModeOf(write: WriteMode | WriteModeName): WriteMode {
  if (typeof write !== 'string') return write;
  if (write === 'append' || write === 'replace') return { mode: write };
  return { mode: 'merge', strategy: write };
}

function checkStream(stream: Stream, keyed: boolean): void {
  const fail = (what: string): never => {
    throw new PlumbingError('SCHEMA_INVALID', `stream "${stream.name}": ${what}`);
  };
  if (stream.name === '' || stream.name.includes('\0')) fail('the name must be a non-empty text without NUL');
  if (stream.name.toLowerCase().startsWith('_plumbing_'))
    fail('names that start with _plumbing_ are reserved');
  const { write } = stream;
  if (write.mode === 'merge' && write.strategy !== 'delete-insert' && !keyed) {
    fail(
      `write mode ${write.strategy} needs primaryKey, or rowKey: 'hash' where rows have no key of their own`,
    );
  }
  if (stream.cursor && takesWholeSets(write))
    fail('what is read takes the place of all rows, so the read can not begin at a cursor; leave cursor out');
  if (stream.rowKey && stream.primaryKey) fail('primaryKey and rowKey exclude each other');
  if (stream.schema) {
    const table = tableOf(stream);
    const names = new Set([...table.columns, ...bookkeepingColumns].map((column) => column.name));
    const scope = write.mode === 'merge' && write.strategy === 'delete-insert' ? write.scope : [];
    const needed = [...table.primaryKey, ...scope, ...(stream.cursor ? [stream.cursor.column] : [])];
    for (const name of needed) {
      if (!names.has(name)) fail(`no column "${name}"; the schema gives ${[...names].join(', ')}`);
    }
  }
}

/** Name of the column that `rowKey: 'hash'` adds. */
export const rowKeyColumn = '_plumbing_row_key';

/** The table that a stream fills, as its schema declares it. Key columns are never nullable. */
export function tableOf(
  stream: Pick<Stream, 'name' | 'schema' | 'primaryKey' | 'rowKey' | 'write' | 'drift'>,
): TableDefinition {
  const declared = stream.schema ? compileSchema(stream.schema).columns : [];
  const primaryKey = stream.rowKey ? [rowKeyColumn] : (stream.primaryKey ?? []);
  const columns: Column[] = declared.map((column) =>
    primaryKey.includes(column.name) ? { ...column, nullable: false } : column,
  );
  if (stream.rowKey)
    columns.push({ name: rowKeyColumn, type: 'string', nullable: false, path: [rowKeyColumn] });
  // With `freeze` a row that does not fit must leave nothing behind, not even rows that came before it.
  return { name: stream.name, columns, primaryKey, write: stream.write, atomic: stream.drift === 'freeze' };
}

/**
 * Completes the definition of a source.
 *
 * @throws PlumbingError `SCHEMA_INVALID` when two streams share a name.
 *
 * @example
 * ```ts
 * export const github = (owner: string) => defineSource({ name: 'github', streams: [releases(owner)] });
 * ```
 */
export function defineSource(source: Source): Source {
  const seen = new Set<string>();
  for (const { name } of source.streams) {
    if (seen.has(name.toLowerCase())) {
      throw new PlumbingError('SCHEMA_INVALID', `source "${source.name}": two streams are named "${name}"`);
    }
    seen.add(name.toLowerCase());
  }
  return source;
}
