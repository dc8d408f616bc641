/** The type of a table's row, from the zod schema of a stream. */
import type { z } from 'zod';
import type { RowObject } from './destination.ts';

type Upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' extends infer S ? Chars<S & string> : never;
type Chars<S extends string> = S extends `${infer C}${infer Rest}` ? C | Chars<Rest> : never;

/** `camelCase` -> `snake_case`, in types; the counterpart of `columnName`. Carries its result along: names may be long. */
export type SnakeCase<
  S extends string,
  Previous extends string = '',
  Done extends string = '',
> = S extends `${infer C}${infer Rest}`
  ? SnakeCase<Rest, C, C extends Upper ? `${Done}${Break<Previous, Rest>}${Lowercase<C>}` : `${Done}${C}`>
  : Done;

/** What stands before a capital letter: `_` where a word begins. */
type Break<Previous extends string, Rest extends string> = Previous extends '' | '_'
  ? ''
  : Previous extends Upper
    ? Rest extends `${infer Next}${string}`
      ? Next extends LowerLetter
        ? '_'
        : ''
      : ''
    : '_';
type LowerLetter = Lowercase<Upper>;

/** Whether an object's fields become columns: not those of records and of unions of objects, which are one JSON column. */
type Plain<T> = T extends readonly unknown[] | Uint8Array | Date
  ? false
  : T extends object
    ? string extends keyof T
      ? false
      : true
    : false;
type IsOne<T> = [T] extends [Intersect<T>] ? true : false;
type IsNested<T> = [Plain<T>, IsOne<T>] extends [true, true] ? true : false;

type Flat<T, Prefix extends string, Nullable> = {
  [K in keyof T & string]: IsNested<NonNullable<T[K]>> extends true
    ? Flat<
        NonNullable<T[K]>,
        `${Prefix}${SnakeCase<K>}__`,
        Nullable | (undefined extends T[K] ? null : never) | (null extends T[K] ? null : never)
      >
    : { [N in `${Prefix}${SnakeCase<K>}`]: CellOf<T[K]> | Nullable };
}[keyof T & string];

/** An absent cell is read back as `null`. */
type CellOf<T> = unknown extends T
  ? unknown
  : Read<Exclude<T, undefined>> | (undefined extends T ? null : never);

/** What a value is when it is read back: moments are texts, and integers numbers where that is exact. */
type Read<T> = T extends Date
  ? string
  : T extends bigint
    ? number | bigint
    : T extends Uint8Array
      ? T
      : ReadWithin<T>;
type ReadWithin<T> = T extends readonly unknown[] | object ? { [K in keyof T]: InJson<T[K]> } : T;
type InJson<T> = unknown extends T ? T : Read<T>;

type Intersect<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? I
  : never;
type Merge<U> = Intersect<U> extends infer I ? { [K in keyof I]: I[K] } : never;

/** Without the open end of a loose object. */
type Known<T> = { [K in keyof T as string extends K ? never : K]: T[K] };

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
export type RowOf<S extends z.ZodType> = [keyof Known<z.output<S>>] extends [never]
  ? RowObject
  : Merge<Flat<Known<z.output<S>>, '', never>>;

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
