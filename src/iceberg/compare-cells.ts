/** The order of values of one type. */
import type { Cell } from './types.ts';

type Present = Exclude<Cell, null>;

/** Below, above or equal to zero, as `a` is before, after or equal to `b`. Texts are ordered by code points, bytes as unsigned. */
export function compareCells(a: Present, b: Present): number {
  if (typeof a === 'string') return compareTexts(a, b as string);
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array);
  if (typeof a === 'number' && a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return a < b ? -1 : Number(a > b);
}

/** The order of two texts by code points, which is that of their UTF-8 bytes. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for the highest code points of all.
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
