/** From the values that Parquet stores to cells, also where a column has been promoted since. */
import type { DecodedArray, SchemaTree } from 'hyparquet';
import { PlumbingError } from '../errors/index.ts';
import { mappedField, nameMappingProperty } from './name-mapping.ts';
import type { NameMapping } from './name-mapping.ts';
import { bigIntOf } from './single-value.ts';
import { decimalOf } from './types.ts';
import type { Cell, IcebergType, ListType, MapType, StructType } from './types.ts';
import { textOfUtf8 } from './utf8.ts';

type Convert = (value: unknown) => Cell;

/** Makes the values of a file's column cells of `type`. `mapping` tells apart the parts of it that have no ids. */
export function parquetConverterOf(
  type: IcebergType,
  tree: SchemaTree,
  mapping: NameMapping | undefined,
): (values: DecodedArray) => Cell[] {
  const convert = converterOf(type, tree, mapping);
  return (values) => {
    const cells = Array<Cell>(values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as unknown;
      cells[i] = value === null || value === undefined ? null : convert(value);
    }
    return cells;
  };
}

function converterOf(type: IcebergType, tree: SchemaTree, parts: NameMapping | undefined): Convert {
  if (typeof type === 'string') return plainConverter(type, tree);
  if (type.type === 'struct') return structConverter(type, tree, parts);
  return type.type === 'list' ? listConverter(type, tree, parts) : mapConverter(type, tree, parts);
}

function structConverter(type: StructType, tree: SchemaTree, parts: NameMapping | undefined): Convert {
  const byId = new Map<number, SchemaTree>();
  for (const child of tree.children) {
    const { field_id: id = mappedField(parts, child.element.name)?.['field-id'] } = child.element;
    if (id !== undefined) byId.set(id, child);
  }
  if (byId.size === 0) throw withoutId(`every part of column "${tree.element.name}"`);
  const converters = type.fields.map((field) => {
    const part = byId.get(field.id);
    if (!part) return undefined;
    const { name } = part.element;
    return [name, nullable(converterOf(field.type, part, mappedField(parts, name)?.fields))] as const;
  });
  return (value) =>
    converters.map((part) => (part ? part[1]((value as Record<string, unknown>)[part[0]]) : null));
}

function listConverter(type: ListType, tree: SchemaTree, parts: NameMapping | undefined): Convert {
  const repeated = tree.children[0] as SchemaTree;
  const element = repeated.children[0] ?? repeated;
  const convert = nullable(converterOf(type.element, element, mappedField(parts, 'element')?.fields));
  return (value) => Array.from(value as readonly unknown[], convert);
}

/** Maps are read as what they are in a file: a struct with a list of pairs. */
function mapConverter(type: MapType, tree: SchemaTree, parts: NameMapping | undefined): Convert {
  const repeated = tree.children[0] as SchemaTree;
  const [keyTree, valueTree] = repeated.children as [SchemaTree, SchemaTree];
  const key = nullable(converterOf(type.key, keyTree, mappedField(parts, 'key')?.fields));
  const item = nullable(converterOf(type.value, valueTree, mappedField(parts, 'value')?.fields));
  return (value) => {
    const pairs = (value as Record<string, unknown>)[repeated.element.name] as readonly Record<
      string,
      unknown
    >[];
    return (pairs ?? []).map((pair) => [key(pair[keyTree.element.name]), item(pair[valueTree.element.name])]);
  };
}

/** A file whose columns can't be told apart: taken for absent they would read as nulls, and be lost when files are put together. */
export function withoutId(what: string): PlumbingError {
  return new PlumbingError(
    'DEST_FOREIGN',
    `${what} of a data file has no field id, and no name in the table property "${nameMappingProperty}"; set that property with the program that added the file`,
  );
}

function nullable(convert: Convert): Convert {
  return (value) => (value === null || value === undefined ? null : convert(value));
}

function plainConverter(type: string, { element }: SchemaTree): Convert {
  const { type: stored, logical_type: logical, converted_type: converted } = element;
  const fail = (): never => {
    throw new PlumbingError(
      'DEST_CORRUPT',
      `column "${element.name}" of a data file is stored as ${String(stored)} and can not be read as ${type}`,
    );
  };
  if (decimalOf(type)) {
    if (stored === 'INT32') return (value) => BigInt(value as number);
    if (stored === 'INT64') return (value) => value as bigint;
    return stored === 'FIXED_LEN_BYTE_ARRAY' || stored === 'BYTE_ARRAY'
      ? (value) => bigIntOf(value as Uint8Array)
      : fail();
  }
  switch (type) {
    case 'boolean':
      return stored === 'BOOLEAN' ? (value) => value as boolean : fail();
    case 'int':
    case 'date':
      return stored === 'INT32' ? (value) => value as number : fail();
    case 'long':
      if (stored === 'INT32') return (value) => BigInt(value as number);
      return stored === 'INT64' ? (value) => value as bigint : fail();
    case 'float':
    case 'double':
      return stored === 'FLOAT' || stored === 'DOUBLE' ? (value) => value as number : fail();
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      const unit = logical && 'unit' in logical ? logical.unit : undefined;
      if (unit === 'NANOS' || stored === 'INT96') return (value) => floorDivide(value as bigint, 1_000n);
      if (unit === 'MILLIS' || converted?.endsWith('_MILLIS'))
        return (value) => BigInt(value as number | bigint) * 1_000n;
      return stored === 'INT64' ? (value) => value as bigint : fail();
    }
    case 'string':
      return (value) => (typeof value === 'string' ? value : textOfUtf8(value as Uint8Array));
    case 'uuid':
      return stored === 'FIXED_LEN_BYTE_ARRAY' ? (value) => value as string : fail();
    default:
      return stored === 'BYTE_ARRAY' || stored === 'FIXED_LEN_BYTE_ARRAY'
        ? (value) => value as Uint8Array
        : fail();
  }
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n ? quotient - 1n : quotient;
}
