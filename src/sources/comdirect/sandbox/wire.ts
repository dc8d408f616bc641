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

function cut(lines: readonly string[]): string[] {
  const windows: string[] = [];
  for (const line of lines) {
    for (let start = 0; start === 0 || start < line.length; start += lineWidth) {
      windows.push(line.slice(start, start + lineWidth).padEnd(lineWidth));
    }
  }
  return windows;
}

/** Remittance of a booked row: windows of two digits and 35 characters. */
export function bookedRemittance(lines: readonly string[]): string {
  let text = '';
  const windows = cut(lines);
  for (let i = 0; i < windows.length; i++) text += `${i < 9 ? '0' : ''}${i + 1}${windows[i] as string}`;
  return text;
}

/** Remittance of a pending row: windows of 35 characters. */
export function pendingRemittance(lines: readonly string[]): string {
  return cut(lines).join('');
}

/** An IBAN of a bank that does not exist (bank codes never start with 9), with right check digits (ISO 13616). */
export function inventedIban(bankSuffix: string, account: string): string {
  const bban = `9999${bankSuffix.padStart(4, '0')}${account.padStart(10, '0')}`;
  const check = 98n - (BigInt(`${bban}131400`) % 97n);
  return `DE${check.toString().padStart(2, '0')}${bban}`;
}
