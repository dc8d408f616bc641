/** Compiles a zod schema once into columns and into functions that work on rows. */
import type { z } from 'zod';
import { PlumbingError } from '../errors/index.ts';
import { compileFastRow, instant } from './compile-row.ts';
import type { FastRow } from './compile-row.ts';
import { ColumnNames, pathKey } from './naming.ts';
import { isPlainObject, isRecord } from './plain.ts';
import { logicalTypeKey } from './types.ts';
import type { Column } from './table.ts';
import type { LogicalType, Value } from './value.ts';
import { defOf } from './zod-def.ts';

/** A schema in a form that is cheap to apply to each row. */
export interface CompiledSchema {
  /** In the order of the schema's fields, nested objects in place. */
  readonly columns: readonly Column[];
  /** Makes a function that lays the cells of a parsed row out in the order of `columns`; unknown columns stay `undefined`. */
  flattener(columns: readonly Column[]): (parsed: unknown) => (Value | undefined)[];
  /** Makes a function that does parsing and laying out at once, for rows about which there is no doubt. */
  fastRow(columns: readonly Column[]): FastRow;
  /** Whether a row as sent has a field that the schema does not know. */
  readonly hasUnknownFields: (raw: unknown) => boolean;
  /** The same, but for fields that are null. */
  readonly hasUnknownValues: (raw: unknown) => boolean;
  /** The fields that the schema does not know, nested objects taken apart. */
  unknownFields(raw: unknown): UnknownField[];
}

/** A field that is not part of a schema. */
export interface UnknownField {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** One object level of the schema. */
interface Level {
  readonly path: readonly string[];
  readonly keys: readonly string[];
  readonly known: ReadonlySet<string>;
  readonly children: ReadonlyMap<string, Level>;
}

/** Deepest nesting of objects that becomes columns; anything deeper is one JSON column. */
const maxDepth = 16;

/**
 * Compiles `schema`. Nested objects become columns of their own, all else one column a field.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for a field whose type no column can hold.
 */
export function compileSchema(schema: z.ZodObject): CompiledSchema {
  const columns: Column[] = [];
  const names = new ColumnNames();
  const root = walk(schema, [], false, columns, names);
  return {
    columns,
    flattener: (order) => compileFlattener(root, order),
    fastRow: (order) => compileFastRow(schema, columns, order) ?? (() => undefined),
    hasUnknownFields: compileUnknownTest(root, '!== undefined'),
    // Vendors name many fields that they leave empty; only what is not null calls for a column.
    hasUnknownValues: compileUnknownTest(root, '!= null'),
    unknownFields(raw) {
      const found: UnknownField[] = [];
      collectUnknown(root, raw, found);
      return found;
    },
  };
}

function walk(
  schema: z.ZodType,
  path: readonly string[],
  nullable: boolean,
  columns: Column[],
  names: ColumnNames,
): Level {
  const shape = defOf(schema).shape ?? {};
  const children = new Map<string, Level>();
  for (const [key, field] of Object.entries(shape)) {
    const fieldPath = [...path, key];
    const inner = unwrap(field, nullable);
    if (inner.type === undefined && defOf(inner.schema).type === 'object') {
      children.set(key, walk(inner.schema, fieldPath, inner.nullable, columns, names));
      continue;
    }
    const type = inner.type ?? logicalTypeOf(inner.schema, fieldPath);
    columns.push({
      name: names.nameFor(fieldPath),
      type,
      nullable: inner.nullable || type === 'json',
      path: fieldPath,
    });
  }
  const keys = Object.keys(shape);
  return { path, keys, known: new Set(keys), children };
}

const wrappers = new Set(['optional', 'nullable', 'default', 'prefault', 'nonoptional', 'readonly', 'catch']);

/** Takes off optional, nullable, default and the like; notes whether the value may be absent. */
function unwrap(
  field: z.ZodType,
  outerNullable: boolean,
): { schema: z.ZodType; nullable: boolean; type?: LogicalType } {
  let schema = field;
  let nullable = outerNullable;
  for (;;) {
    const named = schema.meta?.()?.[logicalTypeKey];
    const def = defOf(schema);
    if (def.type === 'optional' || def.type === 'nullable') nullable = true;
    if (named !== undefined && def.type !== 'optional' && def.type !== 'nullable') {
      return { schema, nullable, type: named as LogicalType };
    }
    if (def.innerType && wrappers.has(def.type)) schema = def.innerType;
    else if (def.type === 'pipe' && def.out && defOf(def.out).type !== 'transform') schema = def.out;
    else return named === undefined ? { schema, nullable } : { schema, nullable, type: named as LogicalType };
  }
}

function logicalTypeOf(schema: z.ZodType, path: readonly string[]): LogicalType {
  const def = defOf(schema);
  switch (def.type) {
    case 'string':
      if (def.format === 'date') return 'date';
      if (def.format === 'datetime') return 'timestamp';
      return def.format === 'uuid' || def.format === 'guid' ? 'uuid' : 'string';
    case 'enum':
      // One of numbers has their names among its entries as well.
      return literalType([...((schema as z.ZodEnum).options as unknown[])]) === 'int64' ? 'int64' : 'string';
    case 'template_literal':
      return 'string';
    case 'literal':
      return literalType(def.values ?? []);
    case 'number':
      return (def.format ?? '').includes('int') ? 'int64' : 'float64';
    case 'bigint':
      return 'int64';
    case 'boolean':
      return 'boolean';
    case 'date':
      return 'timestamp';
    case 'array':
    case 'tuple':
    case 'record':
    case 'unknown':
    case 'any':
    case 'lazy':
    case 'union':
    case 'intersection':
      return 'json';
    default:
      throw new PlumbingError(
        'SCHEMA_INVALID',
        `field ${path.join('.')}: no column can hold the zod type "${def.type}"; use json(), or name the column's type with .meta({ logicalType: 'string' })`,
      );
  }
}

function literalType(values: readonly unknown[]): LogicalType {
  if (values.every((value) => typeof value === 'string')) return 'string';
  if (values.every((value) => typeof value === 'boolean')) return 'boolean';
  return values.every((value) => Number.isSafeInteger(value)) ? 'int64' : 'json';
}

const literal = (text: string): string => JSON.stringify(text);

/** `parsed => [parsed.a, parsed.b?.c, ...]`, as one generated function: closures a cell would cost more than the row. */
function compileFlattener(root: Level, order: readonly Column[]): (parsed: unknown) => (Value | undefined)[] {
  const variables = new Map<Level, string>([[root, 'r']]);
  const lines: string[] = [];
  const declare = (level: Level): void => {
    for (const [key, child] of level.children) {
      const name = `o${variables.size}`;
      const parent = variables.get(level) as string;
      variables.set(child, name);
      lines.push(`const ${name} = ${parent}[${literal(key)}] ?? none;`);
      declare(child);
    }
  };
  declare(root);
  const leaves = new Map<string, string>();
  const addLeaves = (level: Level): void => {
    for (const key of level.keys) {
      const child = level.children.get(key);
      if (child) addLeaves(child);
      else leaves.set(pathKey([...level.path, key]), `${variables.get(level) as string}[${literal(key)}]`);
    }
  };
  addLeaves(root);
  const cells = order.map((column) => {
    const leaf = leaves.get(pathKey(column.path));
    if (leaf === undefined) return 'undefined';
    // zod's own dates and date-times are not yet in the one form that sorts as text.
    return column.type === 'timestamp' ? `instant(${leaf})` : leaf;
  });
  const body = `return (r) => { ${lines.join(' ')} return [${cells.join(', ')}]; };`;
  // Names reach the code only as JSON string literals.
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const make = new Function('none', 'instant', body) as (
    none: object,
    instant: (value: unknown) => unknown,
  ) => (parsed: unknown) => (Value | undefined)[];
  return make(Object.freeze(Object.create(null)), instant);
}

/** Counts own fields against known ones: no list of names is made for the usual row. `counts` says which fields count. */
function compileUnknownTest(root: Level, counts: '!== undefined' | '!= null'): (raw: unknown) => boolean {
  let serial = 0;
  const test = (level: Level, variable: string): string => {
    const n = `n${serial++}`;
    const known = level.keys.map((key) => `(${variable}[${literal(key)}] ${counts})`);
    let code = `let ${n} = 0; for (const k in ${variable}) if (${variable}[k] ${counts}) ${n}++;`;
    code += ` if (${n} > ${known.join(' + ') || '0'}) return true;`;
    for (const [key, child] of level.children) {
      const name = `c${serial++}`;
      code += ` const ${name} = ${variable}[${literal(key)}];`;
      code += ` if (typeof ${name} === 'object' && ${name} !== null) { ${test(child, name)} }`;
    }
    return code;
  };
  const body = `return (r) => { ${test(root, 'r')} return false; };`;
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  return (new Function(body) as () => (raw: unknown) => boolean)();
}

function collectUnknown(level: Level, raw: unknown, found: UnknownField[]): void {
  if (!isRecord(raw)) return;
  for (const key of Object.keys(raw)) {
    const child = level.children.get(key);
    if (child) collectUnknown(child, raw[key], found);
    else if (!level.known.has(key)) collectLeaves(raw[key], [...level.path, key], found);
  }
}

function collectLeaves(value: unknown, path: readonly string[], found: UnknownField[]): void {
  // An object of a class is one value, which its fields may not be all of.
  if (isPlainObject(value) && path.length < maxDepth) {
    for (const key of Object.keys(value)) collectLeaves(value[key], [...path, key], found);
  } else if (value !== undefined) {
    found.push({ path, value });
  }
}
