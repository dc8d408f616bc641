/** Which keys of rows in quarantine the rows of a load bring. */
import { KeyTexts } from './key-text.ts';
import type { TableDefinition } from './table.ts';
import type { Row } from './value.ts';

/** Looks at the rows that a load takes for one table. */
export class SeenKeys {
  /** The keys that were seen, of those that wait. */
  readonly keys = new Set<string>();
  #waits: ((key: string) => boolean) | undefined;
  #definition: TableDefinition | undefined;
  #texts: KeyTexts | undefined;

  /** Whether rows are looked at. */
  get isWatching(): boolean {
    return this.#waits !== undefined;
  }

  /** `waits` tells whether a row of that key is in quarantine. Without it nothing is looked at. */
  watch(waits: ((key: string) => boolean) | undefined): void {
    this.#waits = waits;
  }

  /** Looks at rows in the order of the definition's columns. */
  see(definition: TableDefinition, rows: readonly Row[]): void {
    if (!this.#waits) return;
    if (definition !== this.#definition) this.#texts = new KeyTexts(definition);
    this.#definition = definition;
    for (const row of rows) {
      const key = this.#texts?.ofRow(row);
      if (key !== undefined && this.#waits(key)) this.keys.add(key);
    }
  }
}
