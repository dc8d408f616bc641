/** Texts on charts: names from outside, amounts, months and days. */

/** Longest name on a chart, in characters. */
const maxLength = 32;

/**
 * A text from outside as one line that is safe to show: no control characters (XML can't hold them, and a terminal
 * would obey them), no marks that turn the direction of text around.
 */
export function cleanText(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\uFFFE\uFFFF]+/gu, ' ')
    .replace(/[\p{Bidi_Control}\u200B\u2060\uFEFF]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A name from outside: {@link cleanText}, and not longer than there is room for. */
export function nameLabel(name: string): string {
  const clean = cleanText(name);
  const characters = [...new Intl.Segmenter().segment(clean)].map(({ segment }) => segment);
  return characters.length <= maxLength
    ? clean
    : `${characters
        .slice(0, maxLength - 1)
        .join('')
        .trimEnd()}…`;
}

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const cents = new Intl.NumberFormat('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** `-1234.5` as `−1,234.50`. Exact decimal text stays exact up to the cent. */
export function amountLabel(value: string): string {
  return cents.format(value as Intl.StringNumericLiteral).replace('-', '−');
}

/** A tick of an axis: `−1,200`, and with decimals only where the ticks need them. */
export function tickLabel(value: number): string {
  return (Number.isInteger(value) ? whole : cents).format(value).replace('-', '−');
}

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `2026-03`, or a day of it, as `Mar`. */
export function monthName(month: string): string {
  return monthNames[Number(month.slice(5, 7)) - 1] ?? month;
}

/** `2026-03` as `Mar 2026`. */
export function monthLabel(month: string): string {
  return `${monthName(month)} ${month.slice(0, 4)}`;
}

/** `2026-03-07` as `7 Mar 2026`. */
export function dayLabel(day: string): string {
  return `${Number(day.slice(8, 10))} ${monthLabel(day)}`;
}

/** First and last of a range: `Jan 2026 to Mar 2026`; nothing for an empty one. */
export function rangeLabel(labels: readonly string[]): string {
  const [first = '', last = first] = [labels[0], labels.at(-1)];
  return first === last ? first : `${first} to ${last}`;
}

/** Columns that a text takes in a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uFF01-\uFF60]/u;

/** `text` for the inside of an element or attribute of XML or HTML. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0) ?? 0};`);
}
