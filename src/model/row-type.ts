/** The type of a table's row, from the zod schema of a stream. */
import type { z } from 'zod';
import type { ColumnName, SnakeCase } from './column-name-type.ts';
import type { RowObject } from './destination.ts';

/** The part of a field's type that says of what kind it is. */
type Def<Kind extends string, More = unknown> = {
  readonly _zod: { readonly def: { readonly type: Kind } & More };
};
type Wrapper = 'optional' | 'nullable' | 'default' | 'prefault' | 'nonoptional' | 'readonly' | 'catch';

/** The fields of an object, whatever is wrapped around it; `never` for all that is one column, as unions and records are. */
type ShapeOf<F> =
  F extends Def<'object', { readonly shape: infer Shape }>
    ? Shape
    : F extends Def<Wrapper, { readonly innerType: infer Inner }>
      ? ShapeOf<Inner>
      : F extends Def<'pipe', { readonly out: infer Out }>
        ? ShapeOf<Out>
        : F extends { readonly _zod: { readonly def: { readonly type: infer Kind } } }
          ? 'object' | 'string' extends Kind
            ? ShapeOfValue<z.output<F>>
            : never
          : never;

/** The same for a field of which only the value's type is known, as `z.ZodType<{ value: string }>`. */
type ShapeOfValue<T> = unknown extends T ? never : ShapeOfObject<NonNullable<T>>;
type ShapeOfObject<T> = [T] extends [
  string | number | bigint | boolean | readonly unknown[] | Uint8Array | Date,
]
  ? never
  : [T] extends [object]
    ? string extends keyof T
      ? never
      : // A union of objects is one column.
        [T] extends [Intersect<T>]
        ? { [K in keyof T]: z.ZodType<T[K]> }
        : never
    : never;

type Columns<Shape, Prefix extends string, Nullable> = {
  [K in keyof Shape & string]: FieldColumns<Shape[K], `${Prefix}${SnakeCase<K>}`, Nullable>;
}[keyof Shape & string];

type FieldColumns<F, Name extends string, Nullable> = [F] extends [never]
  ? never
  : [ShapeOf<F>] extends [never]
    ? { [N in ColumnName<Name>]: CellOf<z.output<F>> | Nullable }
    : Columns<ShapeOf<F>, `${Name}__`, Nullable | Extract<AbsentAsNull<z.output<F>>, null>>;

type AbsentAsNull<T> = T extends undefined ? null : T;

/** An absent cell is read back as `null`. */
type CellOf<T> = unknown extends T ? unknown : Read<AbsentAsNull<T>>;

/**
 * What a value is when it is read back: moments and other objects of a class what their `toJSON` gives, integers numbers where
 * that is exact, and what an array lacks `null`.
 */
type Read<T> = T extends string | number | boolean | null | undefined | Uint8Array
  ? T
  : T extends bigint
    ? number | bigint
    : T extends { toJSON(): infer Json }
      ? Read<Json>
      : T extends readonly unknown[]
        ? { [K in keyof T]: ReadWithin<AbsentAsNull<T[K]>> }
        : { [K in keyof T]: ReadWithin<T[K]> };
type ReadWithin<T> = unknown extends T ? T : Read<T>;

type Intersect<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I
  : never;
type Merge<U> = Intersect<U> extends infer I ? { [K in keyof I]: I[K] } : never;

/**
 * The row that `readRows` gives for a stream with this zod schema: column names in `snake_case`, nesting joined by
 * `__`, absent values `null`, moments as texts, integers as numbers where that is exact. Columns that the stream got after
 * rows were stored are `null` in these.
 *
 * @example
 * ```ts
 * const schema = z.object({ accountId: z.string(), amount: z.object({ value: decimal(15, 2) }).nullable() });
 * type Row = RowOf<typeof schema>; // { account_id: string; amount__value: string | null }
 * ```
 */
export type RowOf<S extends z.ZodType> = string extends keyof ShapeOf<S>
  ? RowObject
  : Merge<Columns<ShapeOf<S>, '', never>>;

/** Names of the columns of a schema. */
export type ColumnOf<S extends z.ZodType> = keyof RowOf<S> & string;

/** The columns that the library adds to each table. */
export interface BookkeepingRow {
  /** When the load began that added the row: ISO 8601 UTC, six digits of a second. */
  readonly _inserted_at_ts: string;
  /** The day of that load in the source's time zone: `YYYY-MM-DD`. */
  readonly _inserted_at_day: string;
  /** The load that wrote the row last. */
  readonly _plumbing_load_id: string;
}
