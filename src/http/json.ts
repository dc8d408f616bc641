/** JSON from strangers: bounded in depth, harmless in names, exact in numbers. */
import { PlumbingError } from '../errors/index.ts';

/** Deepest nesting that is accepted. */
const maxDepth = 64;

/**
 * `JSON.parse` without loss: integers beyond 2^53 become `bigint`, other numbers that a double cannot hold exactly
 * become their source text. A field named `__proto__` is dropped.
 *
 * Texts without such numbers take the fast path of the engine.
 *
 * @throws PlumbingError `HTTP_BAD_BODY` for text that is no JSON (retryable: it may have been cut off);
 * `LIMIT_EXCEEDED` for nesting beyond 64 levels.
 */
export function parseJson(text: string): unknown {
  if (isTooDeep(text)) {
    throw new PlumbingError(
      'LIMIT_EXCEEDED',
      `JSON is nested deeper than ${maxDepth} levels; refused before parsing`,
    );
  }
  try {
    if (!mayLose.test(text)) return JSON.parse(text) as unknown;
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as unknown;
  } catch (cause) {
    // The engine's message quotes the text, which may hold anything; only its kind is passed on.
    throw new PlumbingError(
      'HTTP_BAD_BODY',
      `the answer of ${text.length} characters is no valid JSON (${(cause as Error).name})`,
      {
        retryable: true,
      },
    );
  }
}

/**
 * A number of 16 or more digits or with an exponent, where JSON can have one; or a name that the fast path must not
 * create. It may match inside a text as well, which costs time only.
 */
const mayLose = /(?:^|[:,[])\s*-?(?:[\d.]{16,}|[\d.]+[eE][+-]?\d+)\s*(?:[,\]}]|$)|__proto__|\\u005[fF]/;

function reviver(this: unknown, key: string, value: unknown, context: { source?: string }): unknown {
  if (key === '__proto__') return undefined;
  if (typeof value !== 'number') return value;
  const { source } = context;
  if (source === undefined) return value;
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
  return sameNumber(source, value) ? value : source;
}

/** Whether the double says what the source says, to its last digit. */
function sameNumber(source: string, value: number): boolean {
  if (!Number.isFinite(value)) return false;
  return digitsOf(source) === digitsOf(String(value));
}

/** Significant digits and exponent, in one form for all spellings of a number. */
function digitsOf(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  const significant = digits.replace(/^0+/, '');
  const trimmed = significant.replace(/0+$/, '');
  if (trimmed === '') return '0';
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + (significant.length - trimmed.length)}`;
}

const quote = 0x22;
const backslash = 0x5c;

/** Counts brackets outside strings; stops at the limit, so that a hostile text costs no stack. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      i = endOfString(text, i);
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) return true;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
