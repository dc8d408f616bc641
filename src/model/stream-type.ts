/** Types of a stream's definition that follow from its schema. */
import type { z } from 'zod';
import type { ColumnOf, RowOf } from './row-type.ts';
import type { WriteMode } from './table.ts';
import type { JsonValue } from './value.ts';

/** Short names of write modes. */
export type WriteModeName = 'append' | 'replace' | 'upsert' | 'insert-only' | 'scd2';

/** What a short name stands for; a whole mode is itself. */
export type ModeOf<W extends WriteMode | WriteModeName> = [WriteMode] extends [W]
  ? WriteMode
  : W extends 'append' | 'replace'
    ? { readonly mode: W }
    : W extends 'upsert' | 'insert-only' | 'scd2'
      ? { readonly mode: 'merge'; readonly strategy: W }
      : Extract<W, WriteMode>;

/** A column of the schema, also of a loose one: others may never appear. Any name, where no schema says. */
export type CursorColumn<S extends z.ZodObject> = string extends keyof S['shape'] ? string : ColumnOf<S>;

/** A column of the stream's table: one of the schema, or a bookkeeping one. Any name, where no schema says. */
export type StreamColumn<S extends z.ZodObject> = CursorColumn<S> | '_inserted_at_day';

/** What the scope of a write mode may name. A mode whose names are not known, as `WriteMode` itself, is left as it is. */
export type ScopeOf<S extends z.ZodObject, W> = W extends { readonly scope: readonly (infer Name)[] }
  ? string extends Name
    ? unknown
    : { readonly scope: readonly StreamColumn<S>[] }
  : unknown;

/**
 * What a cursor is: a value of its column as it is read back. Any JSON value where the column is not known: in a stream
 * without a cursor (`C` is every column then) or without a schema.
 */
export type CursorValue<S extends z.ZodObject, C extends CursorColumn<S>> = [CursorColumn<S>] extends [C]
  ? JsonValue
  : string extends CursorColumn<S>
    ? JsonValue
    : JsonOnly<Exclude<RowOf<S>[C & keyof RowOf<S>], null>>;

type JsonOnly<T> = [T] extends [JsonValue] ? T : JsonValue;
