/** Reading the rows of a stream with types: which table, which columns, what comes back. */
import type { z } from 'zod';
import { compileSchema } from './compile.ts';
import type { Condition, RowObject, RowQuery } from './destination.ts';
import type { BookkeepingRow, RowOf } from './row-type.ts';
import type { Column, WriteMode } from './table.ts';

/** A table with the schema of its stream; streams made by `defineStream` are such. */
export interface TableOf<S extends z.ZodObject, W extends WriteMode = WriteMode> {
  readonly name: string;
  readonly schema?: S;
  readonly write?: W;
}

/** The columns that `scd2` adds. */
export interface VersionRow {
  /** From when on the row was as it is: ISO 8601 UTC. */
  readonly _valid_from_ts: string;
  /** Until when; `null` for the row that holds now. */
  readonly _valid_to_ts: string | null;
}

/** A whole row of a stream's table as it is read back. That of a loose schema may have any column beside the declared ones. */
export type StoredRow<S extends z.ZodObject, W extends WriteMode = WriteMode> = RowOf<S> &
  BookkeepingRow &
  ([W] extends [{ readonly strategy: 'scd2' }] ? VersionRow : unknown) &
  (string extends keyof z.output<S> ? RowObject : unknown);

/** Columns that a table may have, whatever its schema says. */
type AddedColumn = keyof VersionRow | '_plumbing_row_key';

/** A {@link RowQuery} that names only columns of `Row`; `Selected` are those that come back. */
export interface TypedQuery<Row, Selected extends keyof Row> extends RowQuery {
  readonly columns?: readonly (Selected & string)[];
  readonly where?: readonly Condition<(keyof Row & string) | AddedColumn>[];
  readonly orderBy?: readonly WithSign<(keyof Row & string) | AddedColumn>[];
}

type WithSign<Name extends string> = Name | `-${Name}`;

/** What a {@link TypedQuery} gives: the columns it names, or all. */
export type SelectedRow<Row, Selected extends keyof Row> = [Selected] extends [never]
  ? Row
  : Pick<Row, Selected>;

/** The columns that a stream's schema declares; none of a table that is only named. */
export function declaredColumns(table: string | TableOf<z.ZodObject>): readonly Column[] {
  return typeof table === 'string' || !table.schema ? [] : compileSchema(table.schema).columns;
}
