/** Days as numbers since 1970, in the bank's time zone. */

const dayMs = 86_400_000;
const berlin = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Europe/Berlin',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
});

/** The bank's calendar day of an instant. */
export function bankDay(instant: Date): number {
  return parseDay(berlin.format(instant)) as number;
}

const texts = new Map<number, string>();

/** `YYYY-MM-DD`. */
export function dayText(day: number): string {
  let text = texts.get(day);
  if (text === undefined) {
    text = new Date(day * dayMs).toISOString().slice(0, 10);
    texts.set(day, text);
  }
  return text;
}

/** The day of a `YYYY-MM-DD`, `undefined` for anything else. */
export function parseDay(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text ? undefined : ms / dayMs;
}

/** Day of the month, 1 to 31. */
export function dayOfMonth(day: number): number {
  return Number(dayText(day).slice(8));
}

/** Month, 1 to 12. */
export function monthOf(day: number): number {
  return Number(dayText(day).slice(5, 7));
}

/** Whether the bank books on this day: Monday to Friday. 1970-01-01 was a Thursday. */
export function isBankDay(day: number): boolean {
  const weekday = (((day + 3) % 7) + 7) % 7;
  return weekday < 5;
}

const berlinTime = new Intl.DateTimeFormat('en-CA', {
  timeZone: 'Europe/Berlin',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'longOffset',
});

/** An instant as the bank writes it: `2020-10-09T11:17:40+02`. Reference: section 0.4. */
export function bankDateTime(instant: Date): string {
  const parts = new Map(berlinTime.formatToParts(instant).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  const day = `${part('year')}-${part('month')}-${part('day')}`;
  return `${day}T${part('hour')}:${part('minute')}:${part('second')}${part('timeZoneName').slice(3, 6)}`;
}
