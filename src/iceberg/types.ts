/** Types of columns, as the Iceberg specification (version 2) writes them in JSON. */

/**
 * A type without parts: `boolean`, `int`, `long`, `float`, `double`, `decimal(P,S)`, `date`, `time`, `timestamp`,
 * `timestamptz`, `string`, `uuid`, `fixed[L]` or `binary`.
 */
export type PrimitiveType = string;

/** Any type. */
export type IcebergType = PrimitiveType | StructType | ListType | MapType;

/** One field of a struct, or column of a table. */
export interface NestedField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: IcebergType;
  readonly doc?: string;
}

/** Named fields. */
export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly NestedField[];
}

/** Elements of one type. */
export interface ListType {
  readonly type: 'list';
  readonly 'element-id': number;
  readonly element: IcebergType;
  readonly 'element-required': boolean;
}

/** Values by key. */
export interface MapType {
  readonly type: 'map';
  readonly 'key-id': number;
  readonly key: IcebergType;
  readonly 'value-id': number;
  readonly value: IcebergType;
  readonly 'value-required': boolean;
}

/** The columns of a table at one time. */
export interface Schema extends StructType {
  readonly 'schema-id': number;
  readonly 'identifier-field-ids'?: readonly number[];
}

/**
 * A value in memory. By type: `int` and `date` (days since 1970) are numbers; `long`, `time` (microseconds of the day),
 * `timestamp` and `timestamptz` (microseconds since 1970) are bigints, and so is the unscaled value of a `decimal`;
 * `float` and `double` are numbers; `string` and `uuid` (lower case) are texts; `fixed` and `binary` are bytes; a struct is an array of
 * its fields' values in order, a list an array, a map an array of pairs.
 */
export type Cell = null | boolean | number | bigint | string | Uint8Array | readonly Cell[];

/** Precision and scale of a `decimal(P,S)`; `undefined` for other types. */
export function decimalOf(
  type: IcebergType,
): { readonly precision: number; readonly scale: number } | undefined {
  const match = typeof type === 'string' ? /^decimal\((\d+), ?(\d+)\)$/.exec(type) : null;
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined;
}

/** The length of a `fixed[L]` in bytes; `undefined` for other types. */
export function fixedLengthOf(type: IcebergType): number | undefined {
  const match = typeof type === 'string' ? /^fixed\[(\d+)\]$/.exec(type) : null;
  return match ? Number(match[1]) : undefined;
}

/** Whether two types are the same, whatever their spelling. */
export function sameType(a: IcebergType, b: IcebergType): boolean {
  return JSON.stringify(a).replaceAll(', ', ',') === JSON.stringify(b).replaceAll(', ', ',');
}
