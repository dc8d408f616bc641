/** Takes secrets and account numbers out of text that is about to leave the process as a log line or a message. */
import { secretSpellings } from './secret-registry.ts';

const marker = '[secret]';

/** Spellings shorter than this are taken out only where they stand alone, or `on` would be cut out of `connection`. */
const minBlindLength = 4;

/**
 * `text` without any value of a {@link Secret}, whether plain, URL-encoded, base64 or JSON-escaped, and with IBANs cut to
 * country and last two digits (`DE…00`). Occurrences that overlap are taken out together. A secret of one to three
 * characters is taken out only where no letter or digit touches it.
 */
export function redact(text: string): string {
  return maskIbans(withoutSecrets(text));
}

function withoutSecrets(text: string): string {
  const covered: [start: number, end: number][] = [];
  for (const spelling of secretSpellings()) {
    // Step by one, not by the length: `aXaXa` holds `aXa` twice, and both must go.
    for (let at = text.indexOf(spelling); at !== -1; at = text.indexOf(spelling, at + 1)) {
      const end = at + spelling.length;
      if (spelling.length >= minBlindLength || standsAlone(text, at, end)) covered.push([at, end]);
    }
  }
  if (covered.length === 0) return text;
  covered.sort((a, b) => a[0] - b[0]);
  let result = '';
  let position = 0;
  for (const [start, end] of covered) {
    if (start > position || position === 0) result += text.slice(position, start) + marker;
    position = Math.max(position, end);
  }
  return result + text.slice(position);
}

function standsAlone(text: string, start: number, end: number): boolean {
  const isWord = (character: string | undefined): boolean => /[\p{L}\p{N}]/u.test(character ?? '');
  return !isWord(text[start - 1]) && !isWord(text[end]);
}

const iban =
  /(?<![A-Za-z0-9])([A-Za-z]{2})\d{2}(?:(?:[A-Za-z0-9]{11,30})|(?:(?:[ \u00a0+-]|%20)[A-Z0-9]{4}){2,7}(?:(?:[ \u00a0+-]|%20)[A-Z0-9]{1,4})?)(?![A-Za-z0-9])/g;

function maskIbans(text: string): string {
  return text.replace(iban, (match, country: string) => {
    // Words and identifiers have the same shape; an account number is mostly digits.
    const digits = match.replaceAll('%20', '').replace(/\D/g, '');
    return digits.length < 10 ? match : `${country}…${match.slice(-2)}`;
  });
}

/** Query parameters whose values say nothing about anyone. */
const harmlessParameters: readonly string[] = [
  'page',
  'per_page',
  'limit',
  'offset',
  'paging-first',
  'paging-count',
  'transactionState',
  'with-attr',
  'without-attr',
];

/**
 * A URL that can be logged: no user-info, no fragment, and every query value masked but those of `allowed` parameters.
 * What is no URL becomes `[invalid URL]`.
 *
 * @example
 * ```ts
 * redactUrl('https://me:pw@example.test/list?limit=5&token=abc'); // 'https://example.test/list?limit=5&token=[masked]'
 * ```
 */
export function redactUrl(url: string | URL, allowed: readonly string[] = harmlessParameters): string {
  if (!URL.canParse(String(url))) return '[invalid URL]';
  const { origin, protocol, host, pathname, searchParams } = new URL(url);
  const query = [...searchParams].map(
    ([name, value]) => `${name}=${allowed.includes(name) ? encodeURIComponent(value) : '[masked]'}`,
  );
  const start = origin === 'null' ? `${protocol}//${host}` : origin;
  return redact(`${start}${pathname}${query.length > 0 ? `?${query.join('&')}` : ''}`);
}
