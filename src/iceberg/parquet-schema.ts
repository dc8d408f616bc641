/** Iceberg columns in Parquet (Iceberg specification, appendix A), each with its field id. */
import type { LogicalType, ParquetType, SchemaElement } from 'hyparquet';
import { decimalWidth } from './partition.ts';
import { decimalOf, fixedLengthOf } from './types.ts';
import type { IcebergType, NestedField } from './types.ts';

type Physical = Pick<SchemaElement, 'type_length' | 'converted_type' | 'precision' | 'scale'> & {
  readonly type: ParquetType;
  readonly logical_type?: LogicalType;
};

/** The schema of a file with these columns. */
export function parquetSchemaOf(fields: readonly NestedField[]): SchemaElement[] {
  return [{ name: 'table', num_children: fields.length }, ...fields.flatMap((field) => elementsOf(field))];
}

function elementsOf(field: NestedField): SchemaElement[] {
  return typed(field.name, field.type, field.required, field.id);
}

function typed(name: string, type: IcebergType, isRequired: boolean, id: number): SchemaElement[] {
  const head = { name, repetition_type: isRequired ? 'REQUIRED' : 'OPTIONAL', field_id: id } as const;
  if (typeof type === 'string') return [{ ...head, ...physicalOf(type) }];
  if (type.type === 'struct') {
    return [
      { ...head, num_children: type.fields.length },
      ...type.fields.flatMap((field) => elementsOf(field)),
    ];
  }
  if (type.type === 'list') {
    return [
      { ...head, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      ...typed('element', type.element, type['element-required'], type['element-id']),
    ];
  }
  return [
    { ...head, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
    { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
    ...typed('key', type.key, true, type['key-id']),
    ...typed('value', type.value, type['value-required'], type['value-id']),
  ];
}

function physicalOf(type: string): Physical {
  switch (type) {
    case 'boolean':
      return { type: 'BOOLEAN' };
    case 'int':
      return { type: 'INT32' };
    case 'long':
      return { type: 'INT64' };
    case 'float':
      return { type: 'FLOAT' };
    case 'double':
      return { type: 'DOUBLE' };
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'time':
      return { type: 'INT64', logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' } };
    case 'timestamp':
      return { type: 'INT64', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: false, unit: 'MICROS' } };
    case 'timestamptz':
      return {
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      };
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'uuid':
      return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } };
    case 'binary':
      return { type: 'BYTE_ARRAY' };
    default:
      return decimalElement(type) ?? fixedElement(type);
  }
}

function decimalElement(type: string): Physical | undefined {
  const decimal = decimalOf(type);
  if (!decimal) return undefined;
  const { precision, scale } = decimal;
  const logical = {
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  } as const;
  if (precision <= 9) return { type: 'INT32', ...logical };
  if (precision <= 18) return { type: 'INT64', ...logical };
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: decimalWidth(precision), ...logical };
}

function fixedElement(type: string): Physical {
  const length = fixedLengthOf(type);
  if (length === undefined) throw new TypeError(`"${type}" is no type of Iceberg version 2`);
  return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: length };
}
