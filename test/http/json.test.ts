import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson } from '../../src/http/index.ts';
import { stringifyJson } from '../../src/model/index.ts';

test.each<[string, unknown]>([
  ['{"id": 12345678901234567890}', { id: 12345678901234567890n }],
  ['{"id": 9007199254740993}', { id: 9007199254740993n }],
  ['{"id": 9007199254740991}', { id: 9007199254740991 }],
  ['[0.1, 12.3400, -0.0]', [0.1, 12.34, -0]],
  ['12345678901234567890.12', '12345678901234567890.12'],
  ['[ 12345678901234567890 , 1 ]', [12345678901234567890n, 1]],
  ['{"a" :\n-12345678901234567890\n}', { a: -12345678901234567890n }],
  ['[1.00000000000000000001E2]', ['1.00000000000000000001E2']],
  ['0.1000000000000000055', '0.1000000000000000055'],
  ['1e400', '1e400'],
  ['1E2', 100],
  ['1.7976931348623157e308', 1.7976931348623157e308],
  ['"12345678901234567890"', '12345678901234567890'],
  ['[1.50e3, 1E+2, -0.5e1, 100e0, 0.1e-6]', [1500, 100, -5, 100, 1e-7]],
  ['[0.0e0, 0e5, -0.000e3]', [0, 0, -0]],
  ['[12345678901234.50, 12.5e-1]', [12_345_678_901_234.5, 1.25]],
  ['[0.30000000000000004, 0.3000000000000000004]', [0.30000000000000004, '0.3000000000000000004']],
  ['[1e23, 5e-324, 1e-400, 1.5e300]', [1e23, 5e-324, '1e-400', 1.5e300]],
  ['[100000000000000000000.5, -100000000000000000000.0]', ['100000000000000000000.5', -1e20]],
  ['[1234567890123456.7, 123456789012345.6]', ['1234567890123456.7', 123_456_789_012_345.6]],
])('%s keeps its digits', (text, expected) => {
  expect(parseJson(text)).toEqual(expected);
});

test('any JSON with integers of any size round-trips', () => {
  const leaf = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree')),
      fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        tie('tree'),
        { noNullPrototype: true },
      ),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      expect(stringifyJson(parseJson(stringifyJson(value)))).toBe(stringifyJson(value));
    }),
  );
});

describe('hostile texts', () => {
  test.each([
    '{"__proto__": {"x": 1}}',
    String.raw`{"\u005f_proto__": {"x": 1}}`,
    String.raw`{"__\u0070roto__": {"x": 1}}`,
    '{"a": [{"__proto__": {"x": 1}}]}',
  ])('%s pollutes nothing', (text) => {
    const parsed = parseJson(text);
    expect(JSON.stringify(parsed)).not.toContain('x');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    expect(Object.keys(Object.assign({}, parsed))).not.toContain('__proto__');
  });

  test('nested 200,000 deep are refused without a stack overflow', () => {
    expect(() => parseJson('['.repeat(200_000))).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
    expect(() => parseJson(`${'{"a":'.repeat(65)}1${'}'.repeat(65)}`)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
  });

  test('a number of a million digits is refused: it would take a while', () => {
    expect(() => parseJson(`[${'9'.repeat(1_000_000)}]`)).toThrow(
      expect.objectContaining({ code: 'LIMIT_EXCEEDED' }),
    );
  });

  test('64 levels and numbers of 1,000 characters are accepted, and no more', () => {
    const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const long = (length: number): string => `[${'9'.repeat(length)}]`;
    expect(JSON.stringify(parseJson(nested(64)))).toBe(nested(64));
    expect(parseJson(long(1_000))).toEqual([BigInt('9'.repeat(1_000))]);
    expect(() => parseJson(nested(65))).toThrow(
      'JSON is nested deeper than 64 levels; refused before parsing',
    );
    expect(() => parseJson(long(1_001))).toThrow('JSON holds a number of 1001 characters; refused');
  });

  test('levels that were left do not count', () => {
    const text = JSON.stringify(Array.from({ length: 100 }, () => [{}, [], { a: [] }]));
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test('brackets inside strings are not levels', () => {
    const open = '['.repeat(500);
    const text = JSON.stringify([`${open}"\\`, `"${open}`, `\\"${open}`, '\\', open, '\\"{{{{', '\\\\']);
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test.each<[string, string]>([
    ['', 'it is empty'],
    [' \n', 'it is empty'],
    [' \n<html>', 'HTML or XML of 8 characters'],
    ['[1,<', '4 characters, perhaps cut off'],
  ])('%j is refused as what it looks like', (text, kind) => {
    expect(() => parseJson(text)).toThrow(`JSON is no valid JSON (${kind}); try again later`);
  });

  test.each(['', '{', '[1,]', 'undefined', '<html></html>', '{"a":1}x'])('%j: HTTP_BAD_BODY', (text) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: 'HTTP_BAD_BODY', retryable: true }),
    );
  });
});
