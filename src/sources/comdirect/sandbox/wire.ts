/** Wire forms of values. Reference: section 0.4, 3.3. */

/** Cents as an AmountString: no trailing zeros, `-52.5`. */
export function amountText(cents: number): string {
  const sign = cents < 0 ? '-' : '';
  const absolute = Math.abs(cents);
  const rest = absolute % 100;
  const whole = `${sign}${(absolute - rest) / 100}`;
  if (rest === 0) return whole;
  return rest % 10 === 0 ? `${whole}.${rest / 10}` : `${whole}.${rest < 10 ? '0' : ''}${rest}`;
}

const lineWidth = 35;
/** `blanks[n]`: n blanks. Cheaper than `padEnd`, millions of times. */
const blanks = Array.from({ length: lineWidth + 1 }, (_, length) => ' '.repeat(length));
const lineNumbers = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'));

/** `line` from `start` on, as one window of 35 characters. */
function windowOf(line: string, start: number): string {
  const left = line.length - start;
  if (left >= lineWidth) return line.slice(start, start + lineWidth);
  return (start === 0 ? line : line.slice(start)) + (blanks[lineWidth - left] as string);
}

/** Remittance of a booked row: windows of two digits and 35 characters; words break where a window ends. */
export function bookedRemittance(lines: readonly string[]): string {
  let text = '';
  let number = 0;
  for (const line of lines) {
    for (let start = 0; start < line.length; start += lineWidth) {
      text += (lineNumbers[++number] as string) + windowOf(line, start);
    }
  }
  return text;
}

/** Remittance of a pending row: windows of 35 characters. */
export function pendingRemittance(lines: readonly string[]): string {
  let text = '';
  for (const line of lines) {
    for (let start = 0; start < line.length; start += lineWidth) text += windowOf(line, start);
  }
  return text;
}

/** An IBAN of a bank that does not exist (bank codes never start with 9), with right check digits (ISO 13616). */
export function inventedIban(bankSuffix: string, account: string): string {
  const bban = `9999${bankSuffix.padStart(4, '0')}${account.padStart(10, '0')}`;
  const check = 98n - (BigInt(`${bban}131400`) % 97n);
  return `DE${check.toString().padStart(2, '0')}${bban}`;
}
