/** Copies values into a form that can be logged: plain, bounded, without secrets. */
import { redact } from './redact.ts';
import { Secret } from './secret.ts';

const maxDepth = 6;
const maxProperties = 100;
const maxText = 8_192;

/** Names of fields whose value is a secret, whatever it is. Narrow on purpose: `primaryKey` is none. */
const secretName =
  /^(authorization|cookie|set-cookie|password|passwd|passphrase|pin|tan|client_?secret|(access|refresh|id|session)_?token|x?-?api-?key)$/i;

/**
 * A plain copy of `value` that can be logged: every text redacted, fields named like a secret masked, functions and symbols
 * named only. At most 6 levels deep, 100 properties or elements a level and 8,192 characters a text; what is beyond is
 * replaced by a mark, so cyclic and huge values are safe. Getters that throw are skipped. Never throws.
 */
export function redactObject(value: unknown): unknown {
  return copy(value, maxDepth);
}

/** An error as plain data: name, code, redacted message and stack, safe context, and causes up to the depth limit. */
export interface RedactedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly context?: unknown;
  readonly stack?: string;
  readonly cause?: unknown;
}

/** See {@link RedactedError}. What was thrown may be anything. */
export function redactError(error: unknown): RedactedError {
  if (!(error instanceof Error)) return { name: 'NonError', message: text(describe(error)) };
  return copyError(error, maxDepth);
}

function copy(value: unknown, depth: number): unknown {
  try {
    return copyValue(value, depth);
  } catch {
    // A revoked proxy, a list with a getter that throws: logging it must not break what is logged.
    return '[unreadable]';
  }
}

function copyValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return text(value);
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Secret) return value.toString();
  if (depth === 0) return '[too deep]';
  if (value instanceof Error) return copyError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof URL) return text(value.href);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return copyList(value, depth);
  if (value instanceof Set) return copyList([...value.values()], depth);
  if (value instanceof Map) return copyEntries(value.entries(), value.size, depth);
  if (value instanceof Headers) return copyEntries(value.entries(), maxProperties, depth);
  const names = Object.keys(value);
  return copyEntries(readable(value, names.slice(0, maxProperties)), names.length, depth);
}

function copyList(list: readonly unknown[], depth: number): unknown[] {
  const result = list.slice(0, maxProperties).map((element) => copy(element, depth - 1));
  if (list.length > maxProperties) result.push(`[${list.length - maxProperties} more]`);
  return result;
}

function copyEntries(entries: Iterable<[unknown, unknown]>, size: number, depth: number): object {
  const result: [string, unknown][] = [];
  for (const [key, value] of entries) {
    if (result.length === maxProperties) break;
    const name = typeof key === 'string' ? key : describe(key);
    const isSecret = secretName.test(name) && value !== undefined && value !== null;
    result.push([text(name), isSecret ? '[secret]' : copy(value, depth - 1)]);
  }
  if (size > result.length) result.push(['…', `[${size - result.length} more]`]);
  return Object.fromEntries(result);
}

function* readable(object: object, names: readonly string[]): Generator<[string, unknown]> {
  for (const name of names) {
    try {
      yield [name, (object as Record<string, unknown>)[name]];
    } catch {
      // A getter that throws has no value to log.
    }
  }
}

function copyError(error: Error, depth: number): RedactedError {
  const fields = new Map(readable(error, ['name', 'message', 'code', 'context', 'stack', 'cause']));
  const { name, message, code, context, stack, cause } = Object.fromEntries(fields);
  return {
    name: text(typeof name === 'string' ? name : 'Error'),
    message: text(describe(message ?? '')),
    ...(typeof code === 'string' && { code: text(code) }),
    ...(context !== undefined && { context: copy(context, depth - 1) }),
    ...(typeof stack === 'string' && { stack: text(stack) }),
    ...(cause !== undefined && { cause: copy(cause, depth - 1) }),
  };
}

function text(value: string): string {
  // Cut after redacting: a cut through a secret would leave a part of it that is not recognised.
  const safe = redact(value);
  return safe.length > maxText ? `${safe.slice(0, maxText)}[${safe.length - maxText} more characters]` : safe;
}

function describe(value: unknown): string {
  try {
    return String(value);
  } catch {
    return '[object]';
  }
}
