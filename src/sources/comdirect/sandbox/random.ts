/** Numbers that depend on nothing but their place: the same seed, account, day and booking give the same ones. */

/** Mixes four integers into one of 32 bits. */
export function mix(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15) ^ Math.imul(c + 0x165667b1, 0x27d4eb2f), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 13) ^ Math.imul(d + 0x61c88647, 0x9e3779b1), 0x297a2d39);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The `slot`-th number drawn from `seed`: an integer from 0 to `below` - 1 (a step of mulberry32). */
export function draw(seed: number, slot: number, below: number): number {
  const state = (seed + Math.imul(slot + 1, 0x6d2b79f5)) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) % below;
}

/** One of `items`. */
export function pick<T>(seed: number, slot: number, items: readonly T[]): T {
  return items[draw(seed, slot, items.length)] as T;
}

/** `length` decimal digits, at most nine. */
export function digits(seed: number, slot: number, length: number): string {
  return String(draw(seed, slot, 10 ** length)).padStart(length, '0');
}

/** 32 hex characters in upper case, as the bank writes its UUIDs. */
export function upperHex(seed: number): string {
  let text = '';
  for (let slot = 0; slot < 4; slot++)
    text += draw(seed, slot, 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return text.toUpperCase();
}
