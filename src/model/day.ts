/** The years that ISO 8601 writes with four digits, and Intl the same. */
const fourDigits = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('+010000-01-01T00:00:00Z')] as const;

/** The calendar day of an instant in an IANA time zone, `YYYY-MM-DD`. */
export function dayIn(timeZone: string, instant: Date): string {
  // Loading the calendars of all zones takes ten milliseconds, at the start of every process.
  const ms = instant.getTime();
  if (timeZone === 'UTC' && ms >= fourDigits[0] && ms < fourDigits[1])
    return instant.toISOString().slice(0, 10);
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  });
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  return `${parts.get('year')?.padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`;
}
