/** JSON from strangers: bounded in depth, harmless in names, exact in numbers. */
import { PlumbingError } from '../errors/index.ts';

/** Deepest nesting that is accepted. */
const maxDepth = 64;

/** A longer number is refused: turning digits into a bigint takes more than linear time. */
const maxNumberLength = 1_000;

/**
 * `JSON.parse` without loss: integers beyond 2^53 become `bigint`, other numbers that a double cannot hold exactly
 * become their source text. A field named `__proto__` is dropped.
 *
 * Texts without such numbers take the fast path of the engine.
 *
 * @param what names the text in errors, e.g. `GET /items: the body`
 * @throws PlumbingError `HTTP_BAD_BODY` for text that is no JSON (retryable: it may have been cut off);
 * `LIMIT_EXCEEDED` for nesting beyond 64 levels and for numbers of more than 1,000 characters.
 */
export function parseJson(text: string, what = 'JSON'): unknown {
  const isPlain = checkShape(text, what);
  try {
    if (isPlain) return JSON.parse(text) as unknown;
    return JSON.parse(text, reviver as (key: string, value: unknown) => unknown) as unknown;
  } catch {
    // The engine's message quotes the text, which may hold anything; only its kind is passed on.
    throw new PlumbingError('HTTP_BAD_BODY', `${what} is no valid JSON (${kindOf(text)}); try again later`, {
      retryable: true,
    });
  }
}

/** What a text that should be JSON looks like, without a word of it. */
function kindOf(text: string): string {
  if (text.trim() === '') return 'it is empty';
  if (/^\s*</.test(text)) return `HTML or XML of ${text.length} characters`;
  return `${text.length} characters, perhaps cut off`;
}

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
const underscore = 0x5f;
/** As it begins in the text. */
const hiddenName = '"__proto__';

/**
 * Walks over the text once, past its strings, and checks the limits. Says whether a plain `JSON.parse` keeps all there is:
 * no field `__proto__`, in whatever spelling, and no number of more than 15 digits or with an exponent. (Any decimal of up
 * to 15 digits survives the way through a double.)
 */
function checkShape(text: string, what: string): boolean {
  let depth = 0;
  let isPlain = !(text.includes('\\u00') && escapedLetter.test(text));
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === quote) {
      if (text.charCodeAt(i + 1) === underscore && text.startsWith(hiddenName, i)) isPlain = false;
      i = endOfString(text, i);
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) throw limit(what, `is nested deeper than ${maxDepth} levels`);
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    } else if (isDigit(code)) {
      const start = i;
      let next = text.charCodeAt(i + 1);
      while (isDigit(next) || next === 0x2e || isExponent(next)) {
        if (isExponent(next)) isPlain = false;
        next = text.charCodeAt(++i + 1);
      }
      const length = i - start + 1;
      if (length > 15) isPlain = false;
      if (length > maxNumberLength) throw limit(what, `holds a number of ${length} characters`);
    }
  }
  return isPlain;
}

/** An underscore or letter written as an escape: nobody does that but to hide `__proto__`. */
const escapedLetter = /\\u00[567]/;

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** `e`, `E`, and the sign that may follow. */
function isExponent(code: number): boolean {
  return code === 0x65 || code === 0x45 || code === 0x2b || code === 0x2d;
}

function limit(what: string, why: string): PlumbingError {
  return new PlumbingError('LIMIT_EXCEEDED', `${what} ${why}; refused before parsing`);
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
