/** Texts from strangers: numbers in JSON, waits in headers, remittance lines; and secrets on their way out. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../src/http/index.ts';
import { parseRetryAfter } from '../../src/http/retry.ts';
import { redact, Secret } from '../../src/logging/index.ts';
import { parseRemittance } from '../../src/sources/comdirect/index.ts';

/** The value of a number's text: digits without zeros at either end, and the power of ten that goes with them. */
function exactly(text: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  let mantissa = BigInt(whole + fraction);
  let exponent = BigInt(power) - BigInt(fraction.length);
  if (mantissa === 0n) return '0';
  while (mantissa % 10n === 0n) {
    mantissa /= 10n;
    exponent++;
  }
  return `${sign}${mantissa}e${exponent}`;
}

const digits = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...Array.from('0123456789')), minLength: 1, maxLength });
const numberText = fc
  .record({
    sign: fc.constantFrom('', '-'),
    whole: digits(40).map((text) => text.replace(/^0+(?=\d)/, '')),
    fraction: fc.option(digits(40), { nil: undefined }),
    power: fc.option(fc.tuple(fc.constantFrom('e', 'E', 'e+', 'e-', 'E-'), fc.nat(400)), { nil: undefined }),
  })
  .map(
    ({ sign, whole, fraction, power }) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${power?.join('') ?? ''}`,
  );

test('any number in JSON keeps its value to the last digit, wherever it stands', () => {
  fc.assert(
    fc.property(fc.array(numberText, { minLength: 1, maxLength: 4 }), (texts) => {
      const parsed = parseJson(`{"a":[${texts.join(',')}],"b":{"c":${texts[0]}}}`) as {
        a: unknown[];
        b: { c: unknown };
      };
      expect([...parsed.a, parsed.b.c].map((value) => exactly(String(value)))).toEqual(
        [...texts, texts[0] as string].map(exactly),
      );
      for (const value of parsed.a) expect(['number', 'bigint', 'string']).toContain(typeof value);
    }),
    { numRuns: 2_000 },
  );
});

describe('a Retry-After header', () => {
  const nowMs = Date.UTC(2026, 10, 23, 8);

  test('of any text gives no wait, or a finite one above none', () => {
    const nearly = fc
      .tuple(
        fc.constantFrom('Mon', 'Sun', 'Xxx'),
        fc.nat(99),
        fc.constantFrom('Nov', 'Feb', 'Nix'),
        fc.nat(9999),
        fc.nat(99),
        fc.nat(99),
      )
      .map(([day, date, month, year, hour, minute]) => {
        const two = (n: number): string => String(n).padStart(2, '0');
        return `${day}, ${two(date)} ${month} ${String(year).padStart(4, '0')} ${two(hour)}:${two(minute)}:00 GMT`;
      });
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double().map(String),
      fc.bigInt().map(String),
      fc.date().map(String),
      nearly,
    );
    fc.assert(
      fc.property(anything, (header) => {
        const waitMs = parseRetryAfter(header, nowMs);
        if (waitMs === undefined) return;
        expect(Number.isFinite(waitMs)).toBe(true);
        expect(waitMs).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('of seconds or of a date gives the wait until then', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seconds) => {
        expect(parseRetryAfter(String(seconds), nowMs)).toBe(seconds * 1000);
        expect(parseRetryAfter(new Date(nowMs + seconds * 1000).toUTCString(), nowMs)).toBe(seconds * 1000);
        expect(parseRetryAfter(new Date(nowMs - seconds * 1000).toUTCString(), nowMs)).toBeUndefined();
      }),
    );
  });
});

test('a remittance text in numbered windows keeps every visible character but the numbers', () => {
  const line = fc
    .string({ unit: fc.constantFrom(...Array.from('abZ019 :/-äß€\t')), maxLength: 35 })
    .map((text) => text.padEnd(35));
  const visible = (text: string): string => text.replace(/\s/g, '');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 110 }), fc.nat(34), (lines, cut) => {
      const text = lines.map((content, i) => `${String((i + 1) % 100).padStart(2, '0')}${content}`).join('');
      const whole = text.slice(0, Math.max(0, text.length - cut));
      const kept = lines.join('').slice(0, Math.max(0, lines.length * 35 - cut));
      const parsed = parseRemittance(whole, 'BOOKED');
      expect(visible(parsed.text)).toBe(visible(kept));
      expect(visible(parsed.lines.join(''))).toBe(visible(kept));
    }),
    { numRuns: 500 },
  );
});

test('no registered secret leaves redaction, in none of the spellings in which secrets travel', () => {
  const part = fc.string({ unit: fc.constantFrom(...Array.from('aZ09 +/=&?%"\\\nü€😀.-_')), maxLength: 12 });
  const value = fc.string({
    unit: fc.constantFrom(...Array.from('aZ09 +/=&?%"\\\nü€😀.-_')),
    minLength: 8,
    maxLength: 40,
  });
  const spellings: ((secret: string) => string)[] = [
    (secret) => secret,
    encodeURIComponent,
    (secret) => encodeURIComponent(secret).replace(/%../g, (escape) => escape.toLowerCase()),
    encodeURI,
    (secret) => new URLSearchParams({ secret }).toString().slice('secret='.length),
    (secret) => JSON.stringify(secret).slice(1, -1),
    (secret) => Buffer.from(secret).toString('base64'),
    (secret) => Buffer.from(secret).toString('base64url'),
  ];
  fc.assert(
    fc.property(value, part, part, fc.nat(spellings.length - 1), (text, before, after, choice) => {
      // A value that is a piece of the mark itself can't be told from it.
      fc.pre(/[A-Za-z0-9ü€]{2}/.test(text) && !'[secret]'.includes(text));
      const secret = new Secret(text);
      const spelt = (spellings[choice] as (secret: string) => string)(secret.reveal());
      const shown = redact(`${before}|${spelt}|${after}`);
      expect(shown).not.toContain(spelt);
      // Basic authorization: the secret inside a longer text, in base64.
      const basic = Buffer.from(`${before}:${text}`).toString('base64');
      const decoded = Buffer.from(redact(basic), 'base64').toString();
      expect(decoded).not.toContain(text);
    }),
    { numRuns: 1_000 },
  );
});
