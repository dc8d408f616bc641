/** The type of a table's row, from the zod schema of a stream. */
import type { z } from 'zod';

type Upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' extends infer S ? Chars<S & string> : never;
type Chars<S extends string> = S extends `${infer C}${infer Rest}` ? C | Chars<Rest> : never;

/** `camelCase` -> `snake_case`, in types; the counterpart of `columnName`. */
export type SnakeCase<S extends string, Previous extends string = ''> = S extends `${infer C}${infer Rest}`
  ? C extends Upper
    ? Previous extends '' | '_'
      ? `${Lowercase<C>}${SnakeCase<Rest, C>}`
      : Previous extends Upper
        ? Rest extends `${infer Next}${string}`
          ? Next extends Lowercase<Next> & LowerLetter
            ? `_${Lowercase<C>}${SnakeCase<Rest, C>}`
            : `${Lowercase<C>}${SnakeCase<Rest, C>}`
          : Lowercase<C>
        : `_${Lowercase<C>}${SnakeCase<Rest, C>}`
    : `${C}${SnakeCase<Rest, C>}`
  : '';
type LowerLetter = Lowercase<Upper>;

type Plain<T> = T extends readonly unknown[] | Uint8Array | Date
  ? false
  : T extends object
    ? string extends keyof T
      ? false
      : true
    : false;

type Flat<T, Prefix extends string, Nullable> = {
  [K in keyof T & string]: Plain<NonNullable<T[K]>> extends true
    ? Flat<
        NonNullable<T[K]>,
        `${Prefix}${SnakeCase<K>}__`,
        Nullable | (undefined extends T[K] ? null : never) | (null extends T[K] ? null : never)
      >
    : { [N in `${Prefix}${SnakeCase<K>}`]: CellOf<T[K]> | Nullable };
}[keyof T & string];

/** An absent cell is read back as `null`. */
type CellOf<T> = unknown extends T ? unknown : Exclude<T, undefined> | (undefined extends T ? null : never);

type Merge<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void
  ? { [K in keyof I]: I[K] }
  : never;

/**
 * The row that `readRows` gives for a stream with this zod schema: column names in `snake_case`, nesting joined by
 * `__`, absent values `null`.
 *
 * @example
 * ```ts
 * const schema = z.object({ accountId: z.string(), amount: z.object({ value: decimal(15, 2) }).nullable() });
 * type Row = RowOf<typeof schema>; // { account_id: string; amount__value: string | null }
 * ```
 */
export type RowOf<S extends z.ZodType> = Merge<Flat<z.output<S>, '', never>>;

/** Names of the columns of a schema. */
export type ColumnOf<S extends z.ZodType> = keyof RowOf<S> & string;
