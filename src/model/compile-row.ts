/** The short way for the usual row: validates and lays out in one generated function, without zod's intermediate objects. */
import type { z } from 'zod';
import { pathKey } from './naming.ts';
import type { Column } from './table.ts';
import { converterOf, toTimestamp } from './types.ts';
import type { Value } from './value.ts';
import { defOf, traitsOf } from './zod-def.ts';
import type { ZodDef } from './zod-def.ts';

/** The cells of a row that surely fits; `undefined` for any other row, which zod then has to judge. */
export type FastRow = (raw: unknown) => (Value | undefined)[] | undefined;

/** A field without its `optional` and `nullable`. */
export interface Field {
  readonly schema: z.ZodType;
  readonly isOptional: boolean;
  readonly isNullable: boolean;
}

/** Whether a type has rules beyond its kind. */
export const hasChecks = ({ checks }: ZodDef): boolean => checks !== undefined && checks.length > 0;
const literal = (text: string): string => JSON.stringify(text);

/**
 * Compiles the function for the columns of `order`. It takes a row only where zod would give the very same cells: plain
 * texts, numbers, booleans, dates, and this package's own types are judged here, all other fields by their own zod type.
 *
 * @param columns those of the schema, to be sure that both see the same leaves in it
 * @returns `undefined` when the schema has rules on whole objects, or objects that are more than objects
 */
export function compileFastRow(
  schema: z.ZodObject,
  columns: readonly Column[],
  order: readonly Column[],
): FastRow | undefined {
  const code = new RowCode();
  if (!code.addObject(schema, [], 'r') || code.leaves.size !== columns.length) return undefined;
  if (columns.some(({ path }) => !code.leaves.has(pathKey(path)))) return undefined;
  const cells = order.map((column) => {
    const variable = code.leaves.get(pathKey(column.path));
    if (variable === undefined) return 'undefined';
    // zod's own dates and date-times are not yet in the one form that sorts as text.
    return column.type === 'timestamp' ? `instant(${variable})` : variable;
  });
  const body = `return (r) => {
    if (typeof r !== 'object' || r === null || isArray(r)) return undefined;
    ${code.lines.join('\n')}
    return [${cells.join(', ')}];
  };`;
  // Names reach the code only as JSON string literals.
  // oxlint-disable-next-line no-new-func, typescript/no-implied-eval
  const make = new Function('none', 'isArray', 'instant', 'judges', body) as (
    none: object,
    isArray: (value: unknown) => boolean,
    instant: (value: unknown) => unknown,
    judges: readonly unknown[],
  ) => FastRow;
  return make(Object.freeze(Object.create(null)), Array.isArray, instant, code.judges);
}

/** The timestamp of a value that zod has taken, in the one form that sorts as text: `2026-11-23T07:00:00.000000Z`. */
export function instant(value: unknown): unknown {
  // zod has seen to all the rest.
  if (typeof value === 'string' && value.length === 27 && value[19] === '.' && value[26] === 'Z')
    return value;
  return toTimestamp(value) ?? value;
}

/** Collects the lines of the generated function. */
class RowCode {
  readonly lines: string[] = [];
  /** Variables of the cells, by the path of their column. */
  readonly leaves = new Map<string, string>();
  /** What the code calls: patterns, converters and zod types, by index. */
  readonly judges: unknown[] = [];
  #variables = 0;

  /** Adds an object's fields, which `variable` holds; false when the object has rules of its own. */
  addObject(schema: z.ZodType, path: readonly string[], variable: string): boolean {
    const def = defOf(schema);
    if (hasChecks(def) || def.catchall !== undefined) return false;
    for (const [key, fieldSchema] of Object.entries(def.shape ?? {})) {
      // Reading it gives the prototype.
      if (key === '__proto__') return false;
      const name = `v${this.#variables++}`;
      this.lines.push(`let ${name} = ${variable}[${literal(key)}];`);
      const field = unwrapField(fieldSchema);
      const fieldPath = [...path, key];
      if (field && defOf(field.schema).type === 'object') {
        this.#openObject(field, name);
        if (!this.addObject(field.schema, fieldPath, name)) return false;
        continue;
      }
      this.leaves.set(pathKey(fieldPath), name);
      const check = this.#checkOf(fieldSchema, field, name);
      // Below an object that is absent nothing is required.
      this.lines.push(path.length === 0 ? check : `if (${variable} !== none) { ${check} }`);
    }
    return true;
  }

  #openObject({ isNullable, isOptional }: Field, name: string): void {
    const absent = absence(name, isNullable, isOptional);
    this.lines.push(
      `if (${absent}) ${name} = none; else if (typeof ${name} !== 'object' || ${name} === null || isArray(${name})) return undefined;`,
    );
  }

  #checkOf(whole: z.ZodType, field: Field | undefined, name: string): string {
    const rule = field && this.#ruleOf(field.schema, name);
    if (field === undefined || rule === undefined) {
      const judge = this.#judge(whole);
      return `{ const parsed = ${judge}.safeParse(${name}); if (!parsed.success) return undefined; ${name} = parsed.data; }`;
    }
    const absent = absence(name, field.isNullable, field.isOptional);
    return absent === 'false' ? rule : `if (!(${absent})) { ${rule} }`;
  }

  /** The statement that judges a value and, where needed, converts it; `undefined` when only zod can. */
  #ruleOf(schema: z.ZodType, name: string): string | undefined {
    const convert = converterOf(schema);
    if (convert)
      return `${name} = ${this.#judge(convert)}(${name}); if (${name} === undefined) return undefined;`;
    const def = defOf(schema);
    if (def.coerce === true) return undefined;
    if (def.type === 'string' && def.format === undefined) {
      const least = leastLength(def);
      if (least === undefined) return undefined;
      return `if (typeof ${name} !== 'string' || ${name}.length < ${least}) return undefined;`;
    }
    if (hasChecks(def)) return undefined;
    if (def.type === 'array' && isPlainString(def.element))
      return `if (!${this.#judge(isListOfStrings)}(${name})) return undefined;`;
    if (def.type === 'string' && def.format === 'date' && def.pattern && !def.pattern.global)
      return `if (typeof ${name} !== 'string' || !${this.#judge(def.pattern)}.test(${name})) return undefined;`;
    if (def.type === 'boolean') return `if (typeof ${name} !== 'boolean') return undefined;`;
    if (def.type === 'number' && def.format === undefined)
      return `if (typeof ${name} !== 'number' || ${name} - ${name} !== 0) return undefined;`;
    // A field that is absent is something else for zod than one that is undefined.
    return def.type === 'unknown' || def.type === 'any'
      ? `if (${name} === undefined) return undefined;`
      : undefined;
  }

  #judge(judge: unknown): string {
    this.judges.push(judge);
    return `judges[${this.judges.length - 1}]`;
  }
}

/** The `min()` of a text, 0 without; `undefined` when it has other rules. */
export function leastLength({ checks = [] }: ZodDef): number | undefined {
  const rules = checks.map((check) => (check as { _zod: { def: MinLength } })._zod.def);
  if (rules.some(({ check, minimum }) => check !== 'min_length' || !Number.isSafeInteger(minimum)))
    return undefined;
  return Math.max(0, ...rules.map(({ minimum }) => minimum));
}

interface MinLength {
  readonly check: string;
  readonly minimum: number;
}

function isPlainString(schema: z.ZodType | undefined): boolean {
  if (!schema) return false;
  const def = defOf(schema);
  return def.type === 'string' && def.format === undefined && def.coerce !== true && !hasChecks(def);
}

function isListOfStrings(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  // Not `every`, which passes over holes.
  for (let i = 0; i < value.length; i++) if (typeof value[i] !== 'string') return false;
  return true;
}

function absence(name: string, isNullable: boolean, isOptional: boolean): string {
  if (isNullable && isOptional) return `${name} === null || ${name} === undefined`;
  if (isNullable) return `${name} === null`;
  return isOptional ? `${name} === undefined` : 'false';
}

/** Takes off `optional` and `nullable`; `undefined` where something else is wrapped around. */
export function unwrapField(given: z.ZodType): Field | undefined {
  let schema = given;
  let isOptional = false;
  let isNullable = false;
  for (;;) {
    const def = defOf(schema);
    if (def.type === 'optional' && !traitsOf(schema).has('$ZodExactOptional')) isOptional = true;
    else if (def.type === 'nullable') isNullable = true;
    else return hasWrapper.has(def.type) ? undefined : { schema, isOptional, isNullable };
    schema = def.innerType as z.ZodType;
  }
}

const hasWrapper = new Set(['optional', 'default', 'prefault', 'nonoptional', 'readonly', 'catch']);
