import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRemittance } from '../../../src/sources/comdirect/remittance.ts';

/** Lines as the bank lays them out: numbered windows of 37 when booked, windows of 35 when pending. */
const booked = (...lines: string[]): string =>
  lines.map((line, i) => String(i + 1).padStart(2, '0') + line.padEnd(35)).join('');
const pending = (...lines: string[]): string => lines.map((line) => line.padEnd(35)).join('');

describe('what is odd', () => {
  test.each([
    ['', []],
    ['01 ', []],
    ['   ', []],
    ['01', []],
    ['7', ['7']],
    ['Entgelt ohne Zeilennummern', ['Entgelt ohne Zeilennummern']],
    [booked('', '', 'spät'), ['spät']],
  ])('%j gives %j', (text, lines) => {
    const parsed = parseRemittance(text, 'BOOKED');
    expect(parsed.lines).toEqual(lines);
    expect(parsed.text).toBe(lines.join(' '));
  });

  test('a booked text whose numbers do not count up is kept whole, as one line', () => {
    const text = `05${'Erste Zeile'.padEnd(35)}09${'Zweite Zeile'.padEnd(35)}`;
    expect(parseRemittance(text, 'BOOKED').lines).toEqual(['05Erste Zeile 09Zweite Zeile']);
  });

  test('a last line without its padding is read', () => {
    expect(parseRemittance(booked('Miete', 'März').trimEnd(), 'BOOKED').text).toBe('Miete März');
  });

  test('a label at the very end has no value', () => {
    const { endToEndReference, mandateId } = parseRemittance(
      booked('End-to-End-Ref.:', 'CORE / Mandatsref.:'),
      'BOOKED',
    );
    expect(endToEndReference).toBeNull();
    expect(mandateId).toBeNull();
  });
});

test('quirk 10: a word that the line width cuts in two is whole again, without the line number in it', () => {
  const text = booked('Bestellung 123-4567890-12 Humble B', 'undle Inc');
  expect(text).toContain('Humble B 02undle');
  const full = booked('Bestellung 123-4567890-123 Humble B', 'undle Inc');
  expect(full).toContain('Humble B02undle');
  expect(parseRemittance(full, 'BOOKED').text).toBe('Bestellung 123-4567890-123 Humble Bundle Inc');
});

test('quirk 11: booked texts are windows of 37 characters, pending ones of 35, without line breaks', () => {
  const lines = ['JET-Tankstelle Wuppertal DEU', '2026-04-11T13:31:08'];
  expect(parseRemittance(booked(...lines), 'BOOKED').lines).toEqual(lines);
  expect(parseRemittance(pending(...lines), 'NOTBOOKED').lines).toEqual(lines);
  expect(parseRemittance(pending('01 ist kein Zähler', '02'), 'NOTBOOKED').lines).toEqual([
    '01 ist kein Zähler',
    '02',
  ]);
});

test('windows count characters, not bytes', () => {
  const umlauts = 'ÄÖÜäöüß'.repeat(5);
  expect(parseRemittance(booked(umlauts, 'Gläubiger-ID:', 'DE98ZZZ09999999999'), 'BOOKED')).toMatchObject({
    lines: [umlauts, 'Gläubiger-ID:', 'DE98ZZZ09999999999'],
    creditorId: 'DE98ZZZ09999999999',
  });
});

test('labels and their values come from the tail lines, and are never glued to a full line before them', () => {
  const full = 'x'.repeat(35);
  const parsed = parseRemittance(
    booked(
      full,
      'End-to-End-Ref.:',
      'nicht angegeben',
      'CORE / Mandatsref.:',
      '+k7crt:zX1o(',
      'Gläubiger-ID:',
      'DE1',
    ),
    'BOOKED',
  );
  expect(parsed).toMatchObject({
    endToEndReference: 'nicht angegeben',
    mandateId: '+k7crt:zX1o(',
    creditorId: 'DE1',
  });
  expect(parsed.text).toBe(
    `${full} End-to-End-Ref.: nicht angegeben CORE / Mandatsref.: +k7crt:zX1o( Gläubiger-ID: DE1`,
  );
});

test('line numbers go on past 9', () => {
  const lines = Array.from({ length: 12 }, (_, i) => `Zeile ${i + 1}`);
  expect(parseRemittance(booked(...lines), 'BOOKED').lines).toEqual(lines);
});

test('white space inside a line is collapsed', () => {
  expect(parseRemittance(booked('Karte   Nr.\t4871'), 'BOOKED').text).toBe('Karte Nr. 4871');
});

test('any text comes out without loss of a visible character, booked or not', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.boolean(), (text, isPending) => {
      const visible = (given: string): string => given.replace(/\s/g, '');
      const numbers = /^(?:\d\d[\s\S]{0,35})*$/;
      const parsed = parseRemittance(text, isPending ? 'NOTBOOKED' : 'BOOKED');
      if (isPending || !numbers.test(text)) expect(visible(parsed.text)).toBe(visible(text));
      expect(visible(parsed.lines.join(''))).toBe(visible(parsed.text));
    }),
  );
});

test('lines laid out by the bank come back as they were', () => {
  const line = fc
    .string({ unit: fc.constantFrom(...Array.from('abcXYZ019 äß/:.-')), minLength: 1, maxLength: 35 })
    .map((text) => text.trim().replace(/\s+/g, ' '))
    .filter((text) => text !== '');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 15 }), (lines) => {
      expect(parseRemittance(booked(...lines), 'BOOKED').lines).toEqual(lines);
      expect(parseRemittance(pending(...lines), 'NOTBOOKED').lines).toEqual(lines);
    }),
  );
});
