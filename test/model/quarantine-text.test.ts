/** Rows in quarantine: nothing in them may be taken for another value. */
import { expect, test } from 'vitest';
import { decodeJson, encodeJson } from '../../src/model/json-text.ts';
import { quarantineText } from '../../src/model/quarantine-text.ts';

test.each<[unknown]>([
  [{ id: 1, big: 2n ** 60n, zero: -0, far: 2 ** 60, list: [undefined, null, 'é\ud800'], gone: undefined }],
  [{ at: new Date(0) }],
  [JSON.parse('{"__proto__": 1}')],
  [[1, 2]],
  ['text'],
  [null],
  [undefined],
])('%o is kept as any JSON', (raw) => {
  expect(quarantineText(raw)).toBe(encodeJson(raw));
});

test('a row of a class is kept by its fields', () => {
  class TextRow {
    readonly id = 1;
  }
  expect(quarantineText(new TextRow())).toBe('{"id":1}');
});

class Secret {
  readonly #text = 'hidden';
  readonly plain = 'hidden';
  toJSON(): string {
    return '[redacted]';
  }
  reveal(): string {
    return this.#text;
  }
}

class Point {
  readonly x = Number.NaN;
}

test.each<[string, unknown, unknown]>([
  ['NaN', Number.NaN, { $unstorable: 'NaN' }],
  ['-Infinity', -Infinity, { $unstorable: '-Infinity' }],
  ['a date that is none', new Date(Number.NaN), { $unstorable: 'Invalid Date' }],
  ['bytes', new Uint8Array([1, 2]), { $unstorable: 'Uint8Array', base64: 'AQI=' }],
  ['a Buffer', Buffer.from([1, 2]), { $unstorable: 'Uint8Array', base64: 'AQI=' }],
  ['a Map', new Map([['k', 1]]), { $unstorable: 'Map', content: [['k', 1]] }],
  ['a Set', new Set([Infinity]), { $unstorable: 'Set', content: [{ $unstorable: 'Infinity' }] }],
  ['a function', () => 1, { $unstorable: 'function' }],
  ['a symbol', Symbol('a'), { $unstorable: 'symbol' }],
  ['an object of a class', new Point(), { $unstorable: 'Object', content: { x: { $unstorable: 'NaN' } } }],
  ['one that speaks for itself', new Secret(), { $unstorable: 'Object', content: '[redacted]' }],
  ['a promise', Promise.resolve(1), { $unstorable: 'Promise' }],
])('%s is marked, in a list that is no row', (_what, value, marked) => {
  const text = quarantineText({ id: 1, deep: [{ value }] });
  expect(decodeJson(text)).toEqual([{ id: 1, deep: [{ value: marked }] }]);
  expect(text).not.toContain('hidden');
});

test('rows that no text can be made of are kept as well', () => {
  const circle: Record<string, unknown> = { id: 1 };
  circle['self'] = circle;
  expect(decodeJson(quarantineText(circle))).toMatchObject([{ id: 1 }]);
  expect(quarantineText(circle)).toContain('{"$unstorable":"circle"}');
  let deep: unknown[] = [];
  for (let level = 0; level < 100_000; level++) deep = [deep];
  const failing = {
    get id(): number {
      throw new Error('no');
    },
  };
  for (const raw of [{ deep }, failing, Object.assign(Object.create(null), { deep })])
    expect(quarantineText(raw)).toBe('[{"$unstorable":"object"}]');
  const twice = { a: 1 };
  expect(quarantineText([twice, twice])).toBe('[{"a":1},{"a":1}]');
});
