/** Numbers that depend on nothing but their place: the same seed, account, day and booking give the same ones. */

/** Mixes four integers into one of 32 bits. */
export function mix(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 15) ^ Math.imul(c + 0x165667b1, 0x27d4eb2f), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 13) ^ Math.imul(d + 0x61c88647, 0x9e3779b1), 0x297a2d39);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Draws from one starting value (mulberry32). */
export class Draw {
  #state: number;

  constructor(start: number) {
    this.#state = start;
  }

  /** An integer from 0 to `below` - 1. */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  /** One of `items`. */
  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)] as T;
  }

  /** `length` decimal digits. */
  digits(length: number): string {
    let text = '';
    while (text.length < length) text += this.int(10);
    return text;
  }

  /** `length` hex characters in upper case. */
  hex(length: number): string {
    let text = '';
    while (text.length < length) text += this.int(16).toString(16);
    return text.toUpperCase();
  }
}
