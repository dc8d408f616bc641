/** What PyIceberg and DuckDB's extension read of tables from which loads were taken back, and write to them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { decimal, int64 } from '../../../src/index.ts';
import { UndoPlace, streamOf } from '../../destinations/iceberg/undo-place.ts';
import type { Item, Shape } from '../../destinations/iceberg/undo-place.ts';
import { catalogOf, expectAgreement } from './agree.ts';
import { Readers } from './readers.ts';

let readers: Readers;
beforeAll(async () => {
  readers = await Readers.start();
}, 240_000);
afterAll(() => readers.close());

const shape = (amount: ReturnType<typeof decimal>, extra = {}): Shape => ({
  schema: z.object({ id: int64(), amount, ...extra }),
});
const items = (from: number, to: number, more: object = {}): Item[] =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, amount: `${i}.50`, ...more }));
const old = shape(decimal(10, 2));

test.each([0, 8 * 1024 * 1024])(
  'upserts that were taken back (files below %d bytes are written anew)',
  async (rewriteBelowBytes) => {
    using place = new UndoPlace({ rewriteBelowBytes });
    await place.run([streamOf('t', items(0, 200), old)]);
    await place.run([streamOf('t', items(100, 210), old)]);
    const before = await expectAgreement(readers, place);
    const { loadId } = await place.run([streamOf('t', items(50, 300), old)], { checkpoint: { rows: 100 } });
    expect(await expectAgreement(readers, place)).toHaveLength(300);
    await place.undo(loadId);
    expect(await expectAgreement(readers, place)).toEqual(before);
    await place.run([streamOf('t', items(205, 220), old)]);
    expect(await expectAgreement(readers, place)).toHaveLength(220);
  },
);

test('columns that went again', async () => {
  using place = new UndoPlace();
  await place.run([streamOf('t', items(0, 10), old)]);
  const before = await expectAgreement(readers, place);
  const wider = shape(decimal(20, 4), { extra: z.string() });
  const { loadId } = await place.run([streamOf('t', items(5, 15, { extra: 'x' }), wider)]);
  await expectAgreement(readers, place);
  await place.undo(loadId);
  expect(await expectAgreement(readers, place)).toEqual(before);
  await place.run([streamOf('t', items(5, 15, { extra: 'x' }), wider)]);
  expect(await expectAgreement(readers, place)).toHaveLength(15);
});

test('a first load: no rows, and others may write', async () => {
  using place = new UndoPlace();
  const { loadId } = await place.run([streamOf('t', items(0, 10), old)]);
  await place.undo(loadId);
  expect(await expectAgreement(readers, place)).toEqual([]);
  const row = {
    id: '1',
    amount: '9.99',
    _inserted_at_ts: '2026-11-23T07:00:00Z',
    _inserted_at_day: '2026-11-23',
    _plumbing_load_id: 'by hand',
  };
  await readers.call('pyiceberg_append', { catalog: catalogOf(place), table: 'default.t', rows: [row] });
  expect(await expectAgreement(readers, place)).toHaveLength(1);
  const { loadId: next } = await place.run([streamOf('t', items(1, 4), old)]);
  expect(await expectAgreement(readers, place)).toHaveLength(3);
  await place.undo(next);
  expect(await expectAgreement(readers, place)).toHaveLength(1);
});

test('rows that PyIceberg has written since are not lost', async () => {
  using place = new UndoPlace();
  const { loadId } = await place.run([streamOf('t', items(0, 2), old)]);
  await readers.call('pyiceberg_delete', {
    catalog: catalogOf(place),
    table: 'default.t',
    filter: 'id = 1',
  });
  await expect(place.undo(loadId)).rejects.toMatchObject({
    code: 'UNDO_REFUSED',
    message: expect.stringContaining('another program has changed it') as unknown,
  });
  expect(await expectAgreement(readers, place)).toHaveLength(1);
});
