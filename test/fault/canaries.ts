/** Values that must not be seen, and every spelling in which they might be. */

/** What a person has to keep to themselves, each with a word that is found in no other text. */
export const planted = {
  clientId: 'ClientCanary-one',
  clientSecret: 'secret Canary+&ü="two"/\\',
  username: '40718293canary',
  password: 'pin-canary-608417',
  tan: 'tan-canary-771',
} as const;

/** 32 bytes as hex, as `PLUMBING_TOKEN_KEY` takes them. */
export const plantedKey = 'c0ffee5eed'.repeat(6) + 'beef';

/** A set of values to look for. */
export class Canaries {
  readonly #spellings = new Map<string, string>();

  /** Looks for these values as well, under the name of each. */
  add(values: Readonly<Record<string, string>>): this {
    for (const [name, value] of Object.entries(values)) {
      for (const spelling of spellingsOf(value)) this.#spellings.set(spelling, name);
    }
    return this;
  }

  /** Names of the values that `text` shows, in any spelling. */
  shownIn(text: string): string[] {
    return [
      ...new Set(
        [...this.#spellings].filter(([spelling]) => text.includes(spelling)).map(([, name]) => name),
      ),
    ];
  }
}

function spellingsOf(value: string): string[] {
  const form = new URLSearchParams([['', value]]).toString().slice(1);
  const json = JSON.stringify(value).slice(1, -1);
  const bytes = Buffer.from(value);
  // In base64 a value looks different after one or two more bytes; what a neighbour changes is left out.
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return text.slice(before === 0 ? 0 : before + 1, Math.floor(((before + bytes.length) * 8) / 6));
  });
  const all = [
    value,
    form,
    form.replaceAll('+', '%20'),
    encodeURI(value),
    encodeURIComponent(value),
    json,
    JSON.stringify(json).slice(1, -1),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    bytes.toString('hex'),
  ];
  // Files are read byte for byte.
  all.push(...all.map((text) => Buffer.from(text).toString('latin1')));
  return [...new Set(all)].filter((spelling) => spelling.length >= 6);
}
