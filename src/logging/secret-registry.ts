/** Which texts must never be printed: the values of all secrets in use, in the spellings in which they travel. */

/** Values that no live {@link Secret} holds any more, but that may still be on their way to a log. */
const maxRetired = 100;

const live = new Map<string, { readonly spellings: readonly string[]; holders: number }>();
const retired = new Map<string, readonly string[]>();
let all: readonly string[] | undefined;

const collected = new FinalizationRegistry<string>((value) => {
  const entry = live.get(value);
  if (!entry || --entry.holders > 0) return;
  live.delete(value);
  retired.set(value, entry.spellings);
  const [oldest] = retired.keys();
  if (retired.size > maxRetired && oldest !== undefined) retired.delete(oldest);
  all = undefined;
});

/** Remembers `value` for as long as `holder` lives, and for a while after. */
export function registerSecret(holder: object, value: string): void {
  if (value === '') return;
  collected.register(holder, value);
  const entry = live.get(value);
  if (entry) {
    entry.holders++;
    return;
  }
  live.set(value, { spellings: retired.get(value) ?? spellingsOf(value), holders: 1 });
  retired.delete(value);
  all = undefined;
}

/** Every spelling of every known secret. */
export function secretSpellings(): readonly string[] {
  all ??= [
    ...new Set(
      [live.values(), retired.values()].flatMap((entries) =>
        [...entries].flatMap((entry) => ('spellings' in entry ? entry.spellings : entry)),
      ),
    ),
  ];
  return all;
}

function spellingsOf(value: string): readonly string[] {
  const wellFormed = value.toWellFormed();
  const form = new URLSearchParams([['', wellFormed]]).toString().slice(1);
  const encoded = [
    encodeURI(wellFormed),
    encodeURIComponent(wellFormed),
    form,
    form.replaceAll('+', '%20'),
  ].flatMap((text) => [text, text.replace(/%../g, (escape) => escape.toLowerCase())]);
  return [
    ...new Set([value, JSON.stringify(value).slice(1, -1), ...encoded, ...base64Spellings(wellFormed)]),
  ];
}

/**
 * Base64 groups three bytes, so a secret inside a longer text (`user:secret`) has one of three spellings. Characters that
 * mix in bits of a neighbour are left out. Below 6 characters a match would say nothing, so those are left out as well.
 */
function base64Spellings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((offset) => {
    const length = offset + bytes.length;
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const inner = text.slice(Math.ceil((offset * 8) / 6), Math.floor((length * 8) / 6));
    return inner.length < 6 ? [] : [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
  });
}
