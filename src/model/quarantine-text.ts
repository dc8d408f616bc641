/** What is kept of a row in quarantine. */
import { encodeJson } from './json-text.ts';
import { isPlainObject, isRecord } from './plain.ts';

/**
 * `raw` as JSON text. A row with values that JSON does not have is kept to be looked at: as a list of that one row, with
 * `{"$unstorable": …}` in their places. A list is no row: such a one stays when rows are replayed, and the source has to
 * give it again.
 */
export function quarantineText(raw: unknown): string {
  try {
    const marking = new Marking();
    // A row of a class is judged by its fields.
    const row = marking.markedOf(isRecord(raw) ? { ...raw } : raw);
    const text = encodeJson(marking.isNeeded ? [row] : row);
    if (text !== undefined) return text;
  } catch {
    // A field that can't be read, more levels than the stack has.
  }
  return JSON.stringify([{ $unstorable: typeof raw }]);
}

/** Puts marks in the place of what JSON does not have, in copies. */
class Marking {
  /** Whether there was something to mark. */
  isNeeded = false;
  readonly #above = new Set<object>();

  markedOf(value: unknown): unknown {
    switch (typeof value) {
      case 'number':
        return Number.isFinite(value) ? value : this.#mark(String(value));
      case 'function':
      case 'symbol':
        return this.#mark(typeof value);
      case 'object':
        return value === null ? null : this.#objectOf(value);
      default:
        return value;
    }
  }

  #objectOf(value: object): unknown {
    if (this.#above.has(value)) return this.#mark('circle');
    this.#above.add(value);
    const marked = this.#contentOf(value);
    this.#above.delete(value);
    return marked;
  }

  #contentOf(value: object): unknown {
    if (Array.isArray(value)) return value.map((item) => this.markedOf(item));
    if (isPlainObject(value)) return this.#fieldsOf(value);
    if (value instanceof Date)
      return Number.isNaN(value.getTime()) ? this.#mark('Invalid Date') : value.toISOString();
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
    if (ArrayBuffer.isView(value)) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      return this.#mark(kind, { base64: bytes.toString('base64') });
    }
    if (value instanceof Map || value instanceof Set)
      return this.#mark(kind, { content: this.markedOf([...value]) });
    // What a class says of itself comes first: it may have secrets among its fields.
    const { toJSON: toJson } = value as { toJSON?: unknown };
    if (typeof toJson === 'function') return this.#mark(kind, { content: this.markedOf(toJson.call(value)) });
    return this.#mark(kind, isRecord(value) ? { content: this.#fieldsOf(value) } : {});
  }

  #fieldsOf(value: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.markedOf(item)]));
  }

  #mark(kind: string, content: Record<string, unknown> = {}): Record<string, unknown> {
    this.isNeeded = true;
    return { $unstorable: kind, ...content };
  }
}
