/** The keys of one page of a list, to be found again. */

/** Other keys collide in each process, so nobody can send a page of keys that all do. */
const seed = Math.floor(Math.random() * 2 ** 32);

/**
 * The keys of one page, and which of them another page had. Not a `Set`: V8 keeps every text that is looked up in one in
 * a table of its own, which costs more than all that is done here.
 */
export class PageKeys {
  readonly keys: readonly string[];
  /** How many different ones. */
  readonly size: number;
  readonly #hashes: Int32Array;
  /** Indexes of keys plus one, at the place that their hash names or the next free one; 0 is free. */
  readonly #places: Int32Array;

  constructor(keys: readonly string[]) {
    this.keys = keys;
    this.#hashes = Int32Array.from(keys, hashOf);
    this.#places = new Int32Array(2 ** Math.ceil(Math.log2(keys.length * 2 + 2)));
    let size = 0;
    for (let index = 0; index < keys.length; index++) {
      const place = this.#placeOf(keys[index] as string, this.#hashes[index] as number);
      if (this.#places[place] !== 0) continue;
      this.#places[place] = index + 1;
      size++;
    }
    this.size = size;
  }

  /** Whether the key at `index` of another page is one of these. */
  has(page: PageKeys, index: number): boolean {
    const key = page.keys[index];
    return key !== undefined && this.#places[this.#placeOf(key, page.#hashes[index] as number)] !== 0;
  }

  /** Where the key is, or where it would be put. */
  #placeOf(key: string, hash: number): number {
    const last = this.#places.length - 1;
    let place = hash & last;
    for (;;) {
      const index = (this.#places[place] as number) - 1;
      if (index < 0 || (this.#hashes[index] === hash && this.keys[index] === key)) return place;
      place = (place + 1) & last;
    }
  }
}

/** FNV-1a over the characters. */
function hashOf(key: string): number {
  let hash = seed;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}
