import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dayIn } from '../../src/model/index.ts';

test('UTC has the days of Etc/UTC, which is asked of the calendar', () => {
  const min = new Date('0001-01-01T00:00:00Z');
  const max = new Date('9999-12-31T23:59:59.999Z');
  fc.assert(
    fc.property(fc.date({ min, max, noInvalidDate: true }), (instant) => {
      expect(dayIn('UTC', instant)).toBe(dayIn('Etc/UTC', instant));
    }),
  );
  for (const instant of [min, max]) expect(dayIn('UTC', instant)).toBe(dayIn('Etc/UTC', instant));
});

test.each([
  ['Europe/Berlin', '2026-11-23T23:30:00Z', '2026-11-24'],
  ['America/New_York', '2026-11-24T04:59:59Z', '2026-11-23'],
])('in %s, %s is %s', (zone, instant, day) => {
  expect(dayIn(zone, new Date(instant))).toBe(day);
});
