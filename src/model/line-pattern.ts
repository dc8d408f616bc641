/** A pattern for lines of JSON that surely fit a schema, so that such lines need not be parsed to be judged. */
import type { z } from 'zod';
import { hasChecks, leastLength, unwrapField } from './compile-row.ts';
import { converterOf, logicalTypeKey } from './types.ts';
import { decimalShape } from './value.ts';
import type { LogicalType } from './value.ts';
import { defOf } from './zod-def.ts';

/** A field of a line. */
export interface LineField {
  readonly key: string;
  readonly type: LogicalType;
  /** The field may be null or missing. */
  readonly nullable: boolean;
}

/** How lines of one shape look. */
export interface LinePattern {
  /** Sticky; matches one line with its end, read as Latin-1: one character a byte. */
  readonly expression: RegExp;
  /** In the order in which lines have them. */
  readonly fields: readonly LineField[];
}

/**
 * The pattern of lines whose fields come in the order of `keys`. Whatever it matches is valid for the schema and holds values that
 * any store of JSON lines reads as this package does: no decimal that would be rounded, no number of more digits than a double has, no day that does not exist,
 * no field twice, no half character. Most lines that it does not match are fine as well; they have to be parsed.
 *
 * @param keys the fields of a first line; others that the schema lets be absent may not come later
 * @returns `undefined` for a schema with rules that a pattern can't tell, and for a first line that has other fields
 */
export function linePattern(schema: z.ZodObject, keys: readonly string[]): LinePattern | undefined {
  const def = defOf(schema);
  if (hasChecks(def) || def.catchall !== undefined || keys.length === 0) return undefined;
  const shape = def.shape ?? {};
  const fields: LineField[] = [];
  let source = String.raw`\{ ?`;
  for (const [index, key] of keys.entries()) {
    if (!Object.hasOwn(shape, key) || !plainKey.test(key)) return undefined;
    const field = unwrapField(shape[key] as z.ZodType);
    const form = field && formOf(field.schema);
    if (!field || !form) return undefined;
    const value = field.isNullable ? `(?:null|${form.source})` : form.source;
    const member = `"${key}": ?${value}`;
    if (index === 0) source += member;
    else source += field.isOptional ? `(?:, ?${member})?` : `, ?${member}`;
    fields.push({ key, type: form.type, nullable: field.isNullable || field.isOptional });
  }
  const absent = Object.keys(shape).filter((key) => !keys.includes(key));
  if (absent.some((key) => unwrapField(shape[key] as z.ZodType)?.isOptional !== true)) return undefined;
  // Names that differ in case only are one name for most SQL engines.
  if (new Set(keys.map((key) => key.toLowerCase())).size !== keys.length) return undefined;
  return { expression: new RegExp(String.raw`${source} ?\}\r?\n`, 'y'), fields };
}

/** Nothing that JSON escapes, nor a pattern, nor more than one byte; and not what is dropped from every row. */
const plainKey = /^(?!__proto__$)[A-Za-z_][\w ]*$/;

interface Form {
  readonly type: LogicalType;
  readonly source: string;
}

const int64Form = String.raw`(?:0|-?[1-9]\d{0,17})`;
/**
 * Up to the 17 digits that tell a double, leading zeros aside; no zero with a sign, which some readers take for one without. Read row by
 * row, 16 or 17 digits that are not the shortest ones of their double are kept as text.
 */
const numberForm = String.raw`(?!-?[0.]*[1-9]\.?(?:\d\.?){17})(?:0(?:\.0)?|-?(?:[1-9]\d{0,14}(?:\.\d{1,16})?|0\.0{0,6}[1-9]\d{0,16})(?:[eE][+-]?\d{1,2})?)`;
const dayForm =
  String.raw`(?:[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))` +
  String.raw`|(?:[1-9]\d(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29)`;
// The first and the last year stay out: a zone could lead beyond them.
const timestampForm = String.raw`"(?!9999)${dayForm}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)"`;
const unicodeEscape = String.raw`u(?:(?!0000|[dD][89a-fA-F])[\da-fA-F]{4}|[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})`;
const textForm = String.raw`"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|${unicodeEscape})[^"\\\x00-\x1f]*)*"`;

function formOf(schema: z.ZodType): Form | undefined {
  const type = schema.meta?.()?.[logicalTypeKey] as LogicalType | undefined;
  if (converterOf(schema)) return type === undefined ? undefined : ownForm(type);
  const def = defOf(schema);
  if (def.coerce === true) return undefined;
  if (def.type === 'string' && def.format === undefined) {
    const least = leastLength(def);
    if ((type ?? 'string') !== 'string' || least === undefined || least > 1) return undefined;
    return { type: 'string', source: least === 1 ? `(?!"")${textForm}` : textForm };
  }
  if (hasChecks(def)) return undefined;
  if (def.type === 'string' && def.format === 'date' && (type ?? 'date') === 'date')
    return { type: 'date', source: `"${dayForm}"` };
  if (type !== undefined) return undefined;
  if (def.type === 'boolean') return { type: 'boolean', source: '(?:true|false)' };
  if (def.type === 'number' && def.format === undefined) return { type: 'float64', source: numberForm };
  return undefined;
}

/** Of this package's own types. */
function ownForm(type: LogicalType): Form | undefined {
  if (type === 'int64') return { type, source: int64Form };
  if (type === 'timestamp') return { type, source: timestampForm };
  const shape = decimalShape(type);
  if (!shape || shape.precision > 18) return undefined;
  const { precision, scale } = shape;
  const whole = precision - scale;
  const digits = whole === 0 ? '0' : String.raw`(?:0|[1-9]\d{0,${whole - 1}})`;
  const text = scale === 0 ? `-?${digits}` : String.raw`-?${digits}(?:\.\d{1,${scale}})?`;
  // Every decimal of 15 digits survives the way through a double.
  return { type, source: precision > 15 ? `"${text}"` : `(?:"${text}"|${text})` };
}
