import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeChartFile } from '../../src/cli/chart-file.ts';
import { attachments } from '../../src/cli/attach.ts';
import { chartOf } from '../../src/cli/chart-of.ts';
import { booking, duckBank, snapshot } from '../sources/comdirect/analysis/duck-bank.ts';
import { temporaryFolder } from '../sources/comdirect/scripted-bank.ts';

const bank = () =>
  duckBank(
    {
      booked: [
        booking('2026-01-02', '-10.50', 'Frischmarkt'),
        booking('2026-02-02', '-5', 'Laden'),
        booking('2026-02-27', '3250', 'Werkstatt'),
        booking('2026-02-27', '-7', 'Shop', { amount__unit: 'USD', account_id: 'fx' }),
      ],
      balances: [snapshot('giro', '2026-03-01', '100')],
    },
    'my bank',
  );

test.each([
  [['bank=a.db'], { bank: 'a.db' }],
  [['a.db'], { bank: 'a.db' }],
  [['my_bank=/x/a=b.db', 'b=c.db'], { my_bank: '/x/a=b.db', b: 'c.db' }],
  [['/x y/a=b.db'], { bank: '/x y/a=b.db' }],
  [
    ['lake=iceberg:./wh', 'iceberg:s3://b/wh'],
    { lake: { warehouse: './wh', namespace: 'n' }, bank: 'iceberg:s3://b/wh' },
  ],
])('--attach %j', async (texts, files) =>
  expect(await attachments(texts, { ICEBERG_NAMESPACE: 'n' })).toEqual(files),
);

test('without --attach the file of SQLITE_DB_PATH is the bank', async () => {
  expect(await attachments(undefined, { SQLITE_DB_PATH: 'x.db' })).toEqual({ bank: 'x.db' });
});

test.each([[undefined], [['']], [['bank=']], [['a.db', 'bank=b.db']]])(
  '--attach %j is refused',
  async (texts) => {
    await expect(attachments(texts, {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  },
);

test('cash flow, in the range and currency asked for', async () => {
  const { chart, rows } = await chartOf(await bank(), 'my bank', 'cash-flow', { since: '2026-02-01' });
  expect(chart).toMatchObject({ kind: 'months', unit: 'EUR', months: ['2026-02'] });
  expect(rows).toHaveLength(4);
  const dollars = await chartOf(await bank(), 'my bank', 'cash-flow', { currency: 'USD', account: 'fx' });
  expect(dollars.chart).toMatchObject({ unit: 'USD', line: { values: ['-7.0000'] } });
});

test('balance goes back as far as the bookings', async () => {
  const { chart } = await chartOf(await bank(), 'my bank', 'balance', {});
  expect(chart).toMatchObject({
    kind: 'days',
    subtitle: 'Girokonto …4123, 2 Jan 2026 to 1 Mar 2026; up to 28 Feb 2026 worked out from bookings',
  });
});

test('spending by category, by rules of one’s own, and by counterparty', async () => {
  const names = async (flags: object): Promise<unknown> =>
    (await chartOf(await bank(), 'my bank', 'spending', flags)).chart;
  expect(await names({})).toMatchObject({ bars: [{ name: 'groceries' }, { name: 'other' }] });
  const rules = join(await temporaryFolder(), 'rules.json');
  writeFileSync(rules, '[{ "category": "mine", "text": "laden" }]');
  expect(await names({ rules, until: '2026-02-28' })).toMatchObject({
    subtitle: 'Payments less refunds, up to 2026-02-28',
    bars: [{ name: 'other' }, { name: 'mine' }],
  });
  expect(await names({ by: 'counterparty' })).toMatchObject({
    bars: [{ name: 'Frischmarkt' }, { name: 'Laden' }],
  });
  await expect(names({ by: 'counterparty', rules })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test.each([
  ['a.svg', '<svg'],
  ['a.PNG', '\u0089PNG'],
  ['new folder/a.html', '<!doctype html>'],
])('%s is written, for its owner only, and replaces what was there', async (name, start) => {
  const folder = await temporaryFolder();
  const path = join(folder, name);
  const { chart } = await chartOf(await bank(), 'my bank', 'cash-flow', {});
  await writeChartFile(path, chart);
  await writeChartFile(path, chart);
  expect(readFileSync(path, 'latin1').startsWith(start)).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(path, '..'))).toHaveLength(1);
});

test.skipIf(process.platform === 'win32')(
  'a folder of the user keeps its mode, whatever it is called',
  async () => {
    const folder = join(await temporaryFolder(), 'plumbing');
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    const { chart } = await chartOf(await bank(), 'my bank', 'cash-flow', {});
    await writeChartFile(join(folder, 'a.svg'), chart);
    expect(statSync(folder).mode & 0o777).toBe(0o755);
  },
);

test('a name that says no form is refused, and nothing is written', async () => {
  const folder = await temporaryFolder();
  const { chart } = await chartOf(await bank(), 'my bank', 'cash-flow', {});
  await expect(writeChartFile(join(folder, 'a.pdf'), chart)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
  });
  expect(readdirSync(folder)).toEqual([]);
});
