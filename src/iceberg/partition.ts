/** Partition specs: from the cells of a row to its partition, and from there to Avro. */
import { PlumbingError } from '../errors/index.ts';
import type { PartitionField, PartitionSpec, TableMetadata } from './metadata.ts';
import { fieldById, fieldByName } from './schema.ts';
import { bigIntBytes, bigIntOf, uuidBytes, uuidText } from './single-value.ts';
import { transformOf } from './transforms.ts';
import type { Transform } from './transforms.ts';
import { decimalOf, fixedLengthOf } from './types.ts';
import type { Cell, PrimitiveType, Schema } from './types.ts';

/** One field of a spec, ready to be computed. */
export interface BoundField {
  readonly field: PartitionField;
  readonly transform: Transform;
  /** Place of the source column among the schema's columns. */
  readonly index: number;
}

/** How to partition by one column: `{ column: 'day', transform: 'month' }`; default transform: identity. */
export interface PartitionBy {
  readonly column: string;
  readonly transform?: string;
  readonly name?: string;
}

/**
 * A spec over columns of a schema; its fields get ids after `lastPartitionId`, but for those that an earlier spec has.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for an unknown column, a nested one, a transform that does not take its type, a field
 * that is there twice, or a name that something else has.
 */
export function newSpec(
  schema: Schema,
  by: readonly PartitionBy[],
  known: Pick<TableMetadata, 'partition-specs' | 'last-partition-id'> = {
    'partition-specs': [],
    'last-partition-id': 999,
  },
): { readonly spec: PartitionSpec; readonly lastPartitionId: number } {
  let last = known['last-partition-id'];
  const earlier = known['partition-specs'].flatMap((spec) => spec.fields);
  const names = new FieldNames(schema);
  const fields: PartitionField[] = [];
  for (const { column, transform = 'identity', name } of by) {
    const source = fieldByName(schema, column);
    if (!source || typeof source.type !== 'string') {
      throw invalid(column, 'there is none with plain values');
    }
    transformOf(transform, source.type);
    if (fields.some((field) => field['source-id'] === source.id && field.transform === transform))
      throw invalid(column, `it is named twice with the transform "${transform}"`);
    const same = earlier.find((field) => field['source-id'] === source.id && field.transform === transform);
    fields.push({
      'source-id': source.id,
      'field-id': same?.['field-id'] ?? ++last,
      name: names.take(column, transform, name ?? same?.name),
      transform,
    });
  }
  const id = known['partition-specs'].reduce((highest, spec) => Math.max(highest, spec['spec-id'] + 1), 0);
  return { spec: { 'spec-id': id, fields }, lastPartitionId: last };
}

/** Names of the fields of one spec: no two alike, and none that of a column with other values (Iceberg's Java library refuses it). */
class FieldNames {
  readonly #schema: Schema;
  readonly #taken = new Set<string>();

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** A name for a field: the wanted one, or one of those that other writers of Iceberg give. */
  take(column: string, transform: string, wanted?: string): string {
    const [kind = transform, width] = transform.split(/[[\]]/);
    const isFree = (name: string): boolean =>
      !this.#taken.has(avroName(name)) &&
      (fieldByName(this.#schema, name) === undefined || (kind === 'identity' && name === column));
    const named = kind === 'identity' ? column : `${column}_${kind}`;
    const candidates = wanted === undefined ? [named, `${named}_${width ?? 'part'}`] : [wanted];
    const name = candidates.find(isFree);
    if (name === undefined)
      throw invalid(
        column,
        `the name "${candidates.at(-1)}" is that of something else; give it another name`,
      );
    this.#taken.add(avroName(name));
    return name;
  }
}

function invalid(column: string, what: string): PlumbingError {
  return new PlumbingError('SCHEMA_INVALID', `a table can not be partitioned by column "${column}": ${what}`);
}

/** The fields of a spec over a schema. A field whose column was dropped, or whose transform is unknown, has no values. */
export function bindSpec(spec: PartitionSpec, schema: Schema): BoundField[] {
  return spec.fields.map((field) => {
    const index = schema.fields.findIndex(({ id }) => id === field['source-id']);
    const source = schema.fields[index] ?? fieldById(schema, field['source-id']);
    const type = typeof source?.type === 'string' ? source.type : 'string';
    return { field, index, transform: transformOf(index < 0 ? 'void' : field.transform, type) };
  });
}

/** The partition of a row, whose cells follow the schema's columns. */
export function partitionOf(bound: readonly BoundField[], row: readonly Cell[]): Cell[] {
  return bound.map(({ transform, index }) => transform.apply(row[index] ?? null));
}

/** A text that is the same for equal partitions only. */
export function partitionKey(partition: readonly Cell[]): string {
  return partition
    .map((cell) => {
      if (cell instanceof Uint8Array) return `x${Buffer.from(cell).toString('hex')}`;
      const text = String(cell);
      return `${(typeof cell)[0]}${text.length}:${text}`;
    })
    .join();
}

/** The Avro type of partition values. */
export function avroTypeOf(type: PrimitiveType, fieldId: number): unknown {
  const decimal = decimalOf(type);
  if (decimal) {
    return {
      type: 'fixed',
      name: `decimal_${fieldId}`,
      size: decimalWidth(decimal.precision),
      logicalType: 'decimal',
      ...decimal,
    };
  }
  const fixed = fixedLengthOf(type);
  if (fixed !== undefined) return { type: 'fixed', name: `fixed_${fieldId}`, size: fixed };
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'time':
      return { type: 'long', logicalType: 'time-micros' };
    case 'timestamp':
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': type === 'timestamptz' };
    case 'uuid':
      return { type: 'fixed', name: `uuid_${fieldId}`, size: 16, logicalType: 'uuid' };
    case 'binary':
      return 'bytes';
    default:
      return type;
  }
}

/** A partition value as Avro holds it. */
export function toAvro(type: PrimitiveType, cell: Cell): unknown {
  if (cell === null) return null;
  const decimal = decimalOf(type);
  if (decimal) return Buffer.from(bigIntBytes(cell as bigint, decimalWidth(decimal.precision)));
  if (type === 'uuid') return Buffer.from(uuidBytes(String(cell)));
  return cell instanceof Uint8Array ? Buffer.from(cell) : cell;
}

/** A partition value from what Avro gave. */
export function fromAvro(type: PrimitiveType, value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (!(value instanceof Uint8Array)) {
    // The reader of another table version may have stored an int for what is a long by now.
    return type === 'long' && typeof value === 'number' ? BigInt(value) : (value as Cell);
  }
  if (decimalOf(type)) return bigIntOf(value);
  return type === 'uuid' ? uuidText(value) : Uint8Array.from(value);
}

/** Bytes that hold every unscaled value of so many digits. */
export function decimalWidth(precision: number): number {
  return bigIntBytes(10n ** BigInt(precision) - 1n).byteLength;
}

/** A name that Avro allows, made as Java's Iceberg makes it. */
export function avroName(name: string): string {
  return name.replace(/^\d|[^A-Za-z0-9_]/gu, (char) =>
    /\d/.test(char) ? `_${char}` : `_x${(char.codePointAt(0) as number).toString(16).toUpperCase()}`,
  );
}
