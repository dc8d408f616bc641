/** Counts and bounds of columns, taken while a file is written. A bound is left out when in doubt. */
import type { ColumnStatistics } from './data-file.ts';
import { compareTexts } from './compare-cells.ts';
import { encodeSingleValue } from './single-value.ts';
import type { Cell, NestedField, PrimitiveType } from './types.ts';

/** Characters that the bounds of texts, and bytes that those of binaries, are cut to. */
const boundLength = 16;

/** Takes the cells of one column, batch by batch. */
export class ColumnTally {
  readonly #field: NestedField;
  #values = 0;
  #nulls = 0;
  #nans = 0;
  #min: Exclude<Cell, null> | undefined;
  #max: Exclude<Cell, null> | undefined;

  constructor(field: NestedField) {
    this.#field = field;
  }

  add(cells: readonly Cell[]): void {
    const { type } = this.#field;
    this.#values += cells.length;
    if (typeof type !== 'string') {
      for (const cell of cells) if (cell === null) this.#nulls++;
      return;
    }
    if (type === 'string') this.#addTexts(cells);
    else if (type === 'binary' || type.startsWith('fixed')) this.#addBytes(cells);
    else this.#addOrdered(cells);
  }

  /** Writes what was found into the maps of a file. */
  report(to: MutableStatistics): void {
    const { id, type } = this.#field;
    // The counts of columns inside of others are not known here; theirs stay out.
    if (typeof type !== 'string') return;
    to.valueCounts.set(id, BigInt(this.#values));
    to.nullCounts.set(id, BigInt(this.#nulls));
    if (type === 'float' || type === 'double') to.nanCounts.set(id, BigInt(this.#nans));
    if (this.#min !== undefined && this.#max !== undefined) encodeBounds(id, type, this.#min, this.#max, to);
  }

  /** Numbers, dates, booleans and UUIDs, whose order is that of JavaScript. */
  #addOrdered(cells: readonly Cell[]): void {
    let min = this.#min;
    let max = this.#max;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as Cell;
      if (cell === null) {
        this.#nulls++;
        continue;
      }
      if (Number.isNaN(cell)) {
        this.#nans++;
        continue;
      }
      if (min === undefined || cell < min || (cell === 0 && Object.is(cell, -0) && min === 0)) min = cell;
      if (max === undefined || cell > max || (cell === 0 && Object.is(max, -0))) max = cell;
    }
    this.#min = min;
    this.#max = max;
  }

  /** Texts are ordered as their UTF-8 bytes: by code points, which surrogates of JavaScript's order are not. */
  #addTexts(cells: readonly Cell[]): void {
    let min = this.#min as string | undefined;
    let max = this.#max as string | undefined;
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i] as string | null;
      if (cell === null) this.#nulls++;
      // The usual repetition costs no comparison by characters.
      else if (cell !== min && cell !== max) {
        if (min === undefined || compareTexts(cell, min) < 0) min = cell;
        if (max === undefined || compareTexts(cell, max) > 0) max = cell;
      }
    }
    this.#min = min;
    this.#max = max;
  }

  #addBytes(cells: readonly Cell[]): void {
    for (const cell of cells as readonly (Uint8Array | null)[]) {
      if (cell === null) {
        this.#nulls++;
        continue;
      }
      if (this.#min === undefined || Buffer.compare(cell, this.#min as Uint8Array) < 0) this.#min = cell;
      if (this.#max === undefined || Buffer.compare(cell, this.#max as Uint8Array) > 0) this.#max = cell;
    }
  }
}

/** Statistics that are being filled. */
export type MutableStatistics = {
  readonly [Name in keyof ColumnStatistics]: ColumnStatistics[Name] extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : never;
};

/** Statistics without a figure yet. */
export function emptyStatistics(): MutableStatistics {
  return {
    columnSizes: new Map(),
    valueCounts: new Map(),
    nullCounts: new Map(),
    nanCounts: new Map(),
    lowerBounds: new Map(),
    upperBounds: new Map(),
  };
}

/** Notes the bounds of a column, cut to a length that manifests can bear. */
export function encodeBounds(
  id: number,
  type: PrimitiveType,
  min: Exclude<Cell, null>,
  max: Exclude<Cell, null>,
  to: MutableStatistics,
): void {
  const lower = lowerBound(type, min);
  const upper = upperBound(type, max);
  if (lower) to.lowerBounds.set(id, lower);
  if (upper) to.upperBounds.set(id, upper);
}

function lowerBound(type: string, min: Exclude<Cell, null>): Uint8Array | undefined {
  if (typeof min === 'string' && type === 'string') {
    return encodeSingleValue(type, firstCharacters(min));
  }
  if (type === 'binary') return Uint8Array.from((min as Uint8Array).subarray(0, boundLength));
  return encodeSingleValue(type, min);
}

function upperBound(type: string, max: Exclude<Cell, null>): Uint8Array | undefined {
  if (typeof max === 'string' && type === 'string') {
    const cut = firstCharacters(max);
    const bound = cut === max ? max : textAfter(cut);
    return bound === undefined ? undefined : encodeSingleValue(type, bound);
  }
  if (type === 'binary') return bytesUpTo(max as Uint8Array);
  return encodeSingleValue(type, max);
}

function firstCharacters(text: string): string {
  // A character takes at most two places.
  return Array.from(text.slice(0, 2 * boundLength))
    .slice(0, boundLength)
    .join('');
}

/** A text above all that begin with `prefix`; `undefined` when there is none of that length. */
function textAfter(prefix: string): string | undefined {
  const points = Array.from(prefix, (char) => char.codePointAt(0) as number);
  for (let i = points.length - 1; i >= 0; i--) {
    const point = points[i] as number;
    if (point === 0x10ffff) continue;
    const next = point === 0xd7ff ? 0xe000 : point + 1;
    return String.fromCodePoint(...points.slice(0, i), next);
  }
  return undefined;
}

function bytesUpTo(max: Uint8Array): Uint8Array | undefined {
  if (max.byteLength <= boundLength) return Uint8Array.from(max);
  const bytes = Uint8Array.from(max.subarray(0, boundLength));
  for (let i = boundLength - 1; i >= 0; i--) {
    const byte = bytes[i] as number;
    if (byte === 0xff) continue;
    bytes[i] = byte + 1;
    return bytes.slice(0, i + 1);
  }
  return undefined;
}
