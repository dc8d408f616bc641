import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PageKeys } from '../../../src/sources/comdirect/page-keys.ts';

/** Short ones, so that pages share keys and repeat them. */
const keys = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '€'), maxLength: 3 }), {
  maxLength: 200,
});

test('keys of another page are known just where a Set knows them', () => {
  fc.assert(
    fc.property(keys, keys, (one, other) => {
      const known = new PageKeys(one);
      const page = new PageKeys(other);
      const set = new Set(one);

      expect(known.size).toBe(set.size);
      expect(other.map((_, index) => known.has(page, index))).toEqual(other.map((key) => set.has(key)));
      expect(known.has(page, other.length)).toBe(false);
    }),
  );
});

test('a page without keys knows none, and none of its keys is known', () => {
  const nothing = new PageKeys([]);
  const page = new PageKeys(['']);

  expect(nothing.size).toBe(0);
  expect(nothing.has(page, 0)).toBe(false);
  expect(page.has(nothing, 0)).toBe(false);
  expect(page.has(page, 0)).toBe(true);
});
