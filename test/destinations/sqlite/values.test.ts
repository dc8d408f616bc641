import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogicalType, Value } from '../../../src/model/index.ts';
import { append, column, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();

async function roundTrip(type: LogicalType, values: readonly Value[]): Promise<Value[]> {
  await database().load(
    tableOf(['n:int64', column('v', type)], append),
    values.map((value, index) => [index, value]),
  );
  return (await database().rows(['v'], { orderBy: ['n'] })).map((row) => row['v'] as Value);
}

describe('a value that a column can not hold exactly is refused, without saying what it was', () => {
  test.each<[LogicalType, Value]>([
    ['float64', Number.NaN],
    ['float64', 2n ** 60n + 1n],
    ['float64', '1.5'],
    ['int64', 1.5],
    ['int64', 2 ** 53],
    ['int64', 2n ** 63n],
    ['int64', '5'],
    ['decimal(5,2)', '1000.00'],
    ['decimal(5,2)', '1.001'],
    ['decimal(2,2)', '5.12'],
    ['decimal(5,0)', '1.5'],
    ['decimal(38,2)', '1.001'],
    ['decimal(38,0)', '1'.repeat(39)],
    ['decimal(15,2)', '1e3'],
    ['decimal(15,2)', '5.'],
    ['decimal(15,2)', ' 5'],
    ['decimal(15,2)', ''],
    ['decimal(15,2)', 0.1],
    ['decimal(15,2)', `${'0'.repeat(200_000)}x`],
    ['boolean', 1],
    ['date', '2026-1-1'],
    ['date', '2026-01-01T00:00:00Z'],
    ['time', '25'],
    ['timestamp', '2026-01-01T00:00:00'],
    ['timestamp', '2026-01-01'],
    ['uuid', 'not-a-uuid'],
    ['string', 'half \ud83d character'],
    ['string', 7],
    ['binary', 'text'],
    ['json', { deep: [1, Number.NaN] }],
    ['json', Infinity],
  ])('%s', async (type, value) => {
    const load = await database().begin([tableOf(['id:int64', column('v', type)], append)]);
    await load.write('t', [[1, null]]);
    const failure = load.write('t', [
      [2, null],
      [3, value],
    ]);
    await expect(failure).rejects.toMatchObject({ code: 'ROW_INVALID', context: { table: 't', row: 2 } });
    const { message } = await failure.then(
      () => new Error('not refused'),
      (error: unknown) => error as Error,
    );
    expect(message).toContain('"v"');
    if (typeof value === 'string' && value.length > 3) expect(message).not.toContain(value);
    await load.finishTable('t', []);
    // Nothing of the batch that failed was taken, not even its good row.
    expect(await database().rows(['id'])).toEqual([{ id: 1 }]);
  });
});

describe('any value comes back as it was sent', () => {
  const check = async (type: LogicalType, values: fc.Arbitrary<Value>): Promise<void> => {
    const samples = fc.sample(values, { numRuns: 2_000, seed: 20_261_123 });
    expect(await roundTrip(type, samples)).toEqual(samples);
  };
  const decimals = (precision: number, scale: number): fc.Arbitrary<Value> =>
    fc
      .bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n })
      .map((unscaled) => {
        const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
        const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
        return unscaled < 0n ? `-${text}` : text;
      });

  test.each([
    [1, 0],
    [2, 2],
    [15, 0],
    [15, 2],
    [15, 15],
    [16, 2],
    [38, 0],
    [38, 9],
    [38, 38],
  ])('decimal(%d,%d)', async (precision, scale) =>
    check(`decimal(${precision},${scale})`, decimals(precision, scale)),
  );

  test('int64', async () =>
    check(
      'int64',
      fc
        .oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt({ min: -100n, max: 100n }))
        .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
    ));

  test('float64', async () =>
    check(
      'float64',
      fc.double({ noNaN: true }).filter((value) => !Object.is(value, -0)),
    ));

  test('string, also with NUL', async () => check('string', fc.string({ unit: 'binary' })));

  test('json, bigint and half characters included', async () => {
    const { tree } = fc.letrec<{ tree: Value }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom<Value[]>(null, true, false, -0),
        fc.string({ unit: fc.constantFrom('a', '"', '\\', '\0', '\ud800', 'é', '😀') }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.bigInt({ min: 2n ** 60n, max: 2n ** 70n }),
        fc.array(tie('tree')) as fc.Arbitrary<Value>,
        fc.dictionary(fc.string(), tie('tree'), { noNullPrototype: true }) as fc.Arbitrary<Value>,
      ),
    }));
    await check('json', tree);
  });
});

test('negative zero is stored as zero: the same number', async () => {
  expect(await roundTrip('float64', [-0])).toEqual([0]);
});

test('a text with NUL is found, updated and compared as a whole', async () => {
  const table = tableOf(['id', 'v'], upsert, ['id']);
  await database().load(table, [
    ['a\0b', 'x\0y'],
    ['a\0c', 'x'],
  ]);
  expect(await database().load(table, [['a\0b', 'x\0y']])).toMatchObject({ unchanged: 1 });
  expect(await database().load(table, [['a\0b', 'x\0z']])).toMatchObject({ updated: 1 });
  const where = [{ column: 'id', op: '=', value: 'a\0b' }] as const;
  expect(await database().rows(['id', 'v'], { where })).toEqual([{ id: 'a\0b', v: 'x\0z' }]);
});

describe('decimals in plain SQL', () => {
  test('of up to 15 digits compare and add up as numbers', async () => {
    await database().load(tableOf(['v:decimal(15,2)'], append), [
      ['9.99'],
      ['10.00'],
      ['-0.50'],
      ['1234567890123.45'],
    ]);
    expect(database().sql('SELECT count(*) AS n FROM t WHERE v > 9.99')).toEqual([{ n: 2 }]);
    expect(database().sql('SELECT round(sum(v), 2) AS total FROM t WHERE v < 1000')).toEqual([
      { total: 19.49 },
    ]);
    expect(database().sql("SELECT type FROM pragma_table_info('t') WHERE name = 'v'")).toEqual([
      { type: 'DECIMAL(15,2)' },
    ]);
  });

  test('however they are written, equal ones are equal', async () => {
    for (const type of ['decimal(15,2)', 'decimal(30,2)'] as const) {
      const table = tableOf([column('id', type), column('v', type)], upsert, ['id'], type.slice(8, 10));
      await database().load(table, [['1.50', '2']]);
      const counts = await database().load(table, [
        ['01.5', '2.00'],
        [1n, -0n],
        ['1', '-0.00'],
      ]);
      expect(counts).toMatchObject({ inserted: 1, updated: 0, unchanged: 2 });
    }
  });
});

test('timestamps of any zone become one form in UTC, which sorts as text', async () => {
  const sent = ['2026-10-25T02:30:00+02:00', '2026-10-25T02:30:00+01:00', '2026-03-29T01:59:59.5Z'];
  expect(await roundTrip('timestamp', sent)).toEqual([
    '2026-10-25T00:30:00.000000Z',
    '2026-10-25T01:30:00.000000Z',
    '2026-03-29T01:59:59.500000Z',
  ]);
});
