/** Which types a value can move to without losing anything. */
import { isJson } from './json-text.ts';
import { isPlainObject } from './plain.ts';
import { toTimestamp } from './types.ts';
import { decimalShape } from './value.ts';
import type { LogicalType } from './value.ts';

const maxPrecision = 38;
const asText = new Set<LogicalType>([
  'boolean',
  'int64',
  'float64',
  'date',
  'time',
  'timestamp',
  'uuid',
  'json',
]);

/**
 * The narrowest type that holds every value of `from` and of `to` without loss, or `undefined` when there is none.
 * The result may equal `from` (nothing to widen). Numbers beyond 2^53 make int64 -> float64 lossy; a destination
 * refuses that step when such values are stored.
 *
 * @example
 * ```ts
 * widenType('int64', 'decimal(10,2)'); // 'decimal(21,2)'
 * widenType('decimal(20,4)', 'decimal(15,2)'); // 'decimal(20,4)'
 * widenType('binary', 'int64'); // undefined
 * ```
 */
export function widenType(from: LogicalType, to: LogicalType): LogicalType | undefined {
  if (from === to) return from;
  if (from === 'binary' || to === 'binary') return undefined;
  const a = numberShape(from);
  const b = numberShape(to);
  if (a && b) {
    const scale = Math.max(a.scale, b.scale);
    const precision = Math.max(a.precision - a.scale, b.precision - b.scale) + scale;
    return precision <= maxPrecision ? `decimal(${precision},${scale})` : 'string';
  }
  if ((from === 'int64' && to === 'float64') || (from === 'float64' && to === 'int64')) return 'float64';
  if (from === 'json' || to === 'json') return 'json';
  return isText(from) && isText(to) ? 'string' : undefined;
}

/** Digits of an exact number type. An int64 has up to 19. */
function numberShape(type: LogicalType): { precision: number; scale: number } | undefined {
  return type === 'int64' ? { precision: 19, scale: 0 } : decimalShape(type);
}

function isText(type: LogicalType): boolean {
  return type === 'string' || asText.has(type) || decimalShape(type) !== undefined;
}

/**
 * The type of a value whose schema is unknown; `undefined` for `null` and for what no column can hold. Strings stay strings,
 * whatever they look like.
 */
export function inferType(value: unknown): LogicalType | undefined {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'number':
      return Number.isSafeInteger(value) ? 'int64' : 'float64';
    case 'bigint': {
      if (BigInt.asIntN(64, value) === value) return 'int64';
      const digits = value.toString().replace('-', '').length;
      return digits <= maxPrecision ? `decimal(${digits},0)` : 'string';
    }
    case 'object':
      if (value === null) return undefined;
      if (value instanceof Uint8Array) return 'binary';
      if (value instanceof Date) return toTimestamp(value) === undefined ? undefined : 'timestamp';
      return Array.isArray(value) || isPlainObject(value) ? 'json' : undefined;
    default:
      return undefined;
  }
}

/** Whether a column can hold a value whose schema is unknown, all of it. */
export function isStorable(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  const type = inferType(value);
  return type === 'json' ? isJson(value) : type !== undefined;
}
