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

  test('brackets inside strings are not levels', () => {
    const text = JSON.stringify([`${'['.repeat(500)}"\\`, '\\"{{{{', '\\\\']);
    expect(JSON.stringify(parseJson(text))).toBe(text);
  });

  test.each(['', '{', '[1,]', 'undefined', '<html></html>', '{"a":1}x'])('%j: HTTP_BAD_BODY', (text) => {
    expect(() => parseJson(text)).toThrow(
      expect.objectContaining({ code: 'HTTP_BAD_BODY', retryable: true }),
    );
  });
});
