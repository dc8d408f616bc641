/** Collects lines until a statement of SQL is complete. */

/** What a `;` means nothing in, by how it begins, with how it ends. */
const enclosures: readonly (readonly [RegExp, (opening: string) => string])[] = [
  [/^'/, () => "'"],
  [/^"/, () => '"'],
  [/^--/, () => '\n'],
  [/^\/\*/, () => '*/'],
  [/^\$\w*\$/, (tag) => tag],
];

/** Takes lines, gives statements. A `;` within quotes, dollar quotes and comments ends none. */
export class StatementBuffer {
  #text = '';
  /** How far the text has been looked at. */
  #at = 0;
  /** What ends the quotes or the comment that `#at` is in. */
  #closing: string | undefined;
  /** There is more than comments and blanks. */
  #hasBegun = false;

  /** Whether no statement has begun; a comment that is still open counts as one. */
  get isEmpty(): boolean {
    return !this.#hasBegun && this.#closing === undefined;
  }

  /** Adds a line; gives the statements that it completes, without their `;`. */
  push(line: string): string[] {
    this.#text += `${line}\n`;
    const statements: string[] = [];
    while (this.#at < this.#text.length) {
      if (this.#closing !== undefined) {
        const end = this.#text.indexOf(this.#closing, this.#at);
        if (end < 0) {
          this.#at = this.#text.length;
          return statements;
        }
        this.#at = end + this.#closing.length;
        this.#closing = undefined;
      } else if (this.#text[this.#at] === ';') {
        if (this.#hasBegun) statements.push(this.#text.slice(0, this.#at).trim());
        this.#hasBegun = false;
        this.#text = this.#text.slice(this.#at + 1);
        this.#at = 0;
      } else {
        this.#step();
      }
    }
    // Comments behind the last statement belong to none.
    if (this.isEmpty) this.clear();
    return statements;
  }

  /** The rest, which no `;` ended. */
  takeRest(): string {
    const rest = this.#hasBegun ? this.#text.trim() : '';
    this.clear();
    return rest;
  }

  /** Forgets what has begun. */
  clear(): void {
    this.#text = '';
    this.#at = 0;
    this.#closing = undefined;
    this.#hasBegun = false;
  }

  #step(): void {
    const rest = this.#text.slice(this.#at, this.#at + 64);
    for (const [opening, closingOf] of enclosures) {
      const [found] = opening.exec(rest) ?? [];
      if (found === undefined) continue;
      this.#closing = closingOf(found);
      if (found !== '--' && found !== '/*') this.#hasBegun = true;
      this.#at += found.length;
      return;
    }
    if (this.#text.charAt(this.#at).trim() !== '') this.#hasBegun = true;
    this.#at++;
  }
}
