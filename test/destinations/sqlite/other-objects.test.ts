/** What somebody else has added to the database: tables that point to ours, columns, triggers, indexes of their own. */
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import type { LogicalType } from '../../../src/model/index.ts';
import { column, replace, scopedBy, tableOf, upsert, useDatabase } from './harness.ts';

const database = useDatabase();
const keyed = (v: LogicalType, write = upsert) => tableOf(['id:int64', column('v', v)], write, ['id']);

describe('a table that is written anew while another one points to it', () => {
  test.each(['ON DELETE CASCADE', 'ON DELETE SET NULL', ''])(
    'touches no row of that one (%s)',
    async (action) => {
      await database().load(keyed('int64'), [
        [1, 1],
        [2, 2],
      ]);
      database().exec(`CREATE TABLE note (t_id BIGINT REFERENCES t (id) ${action}, txt TEXT);
      INSERT INTO note VALUES (1, 'mine'), (2, 'too')`);
      await database().load(keyed('string'), [[3, 'x']]);

      expect(database().sql('SELECT * FROM note')).toEqual([
        { t_id: 1, txt: 'mine' },
        { t_id: 2, txt: 'too' },
      ]);
      expect(await database().rows(['id', 'v'], { orderBy: ['id'] })).toEqual([
        { id: 1, v: '1' },
        { id: 2, v: '2' },
        { id: 3, v: 'x' },
      ]);
      expect(() => database().exec('PRAGMA foreign_keys = ON; INSERT INTO note VALUES (9, NULL)')).toThrow(
        /FOREIGN/,
      );
    },
  );

  test('and leaves none of its rows pointing to nothing', async () => {
    await database().load(keyed('int64', replace), [[1, 1]]);
    database().exec(`CREATE TABLE note (t_id BIGINT REFERENCES t (id) ON DELETE CASCADE);
      PRAGMA foreign_keys = OFF; INSERT INTO note VALUES (1), (77)`);
    const dangling = expect.objectContaining({
      code: 'DEST_FAILED',
      message: expect.stringMatching(/point to rows/),
    });
    await expect(database().load(keyed('string', replace), [[2, 'x']])).rejects.toEqual(dangling);

    expect(database().sql('SELECT t_id FROM note')).toEqual([{ t_id: 1 }, { t_id: 77 }]);
    expect(await database().rows(['id', 'v'])).toEqual([{ id: 1, v: 1 }]);
    // Foreign keys hold again, and so do their actions.
    await database().close();
    await database().load(keyed('int64', replace), [[2, 2]]);
    expect(database().sql('SELECT t_id FROM note')).toEqual([{ t_id: 77 }]);
  });
});

describe('columns that somebody has added', () => {
  test('stay when the table is written anew, with values, indexes and views', async () => {
    await database().load(keyed('int64'), [
      [1, 1],
      [2, 2],
    ]);
    database().exec(`ALTER TABLE t ADD COLUMN category TEXT DEFAULT 'a, (b) "c"' COLLATE NOCASE /* , mine */;
      ALTER TABLE t ADD COLUMN "odd "" name" decimal(10, 2) CHECK ("odd "" name" <> 5);
      ALTER TABLE t ADD COLUMN [twice] INTEGER GENERATED ALWAYS AS (id * 2) VIRTUAL;
      UPDATE t SET category = 'groceries', "odd "" name" = 7 WHERE id = 1;
      CREATE INDEX by_category ON t (category);
      CREATE VIEW seen AS SELECT id, category, "twice" AS twice FROM t`);
    await database().load(keyed('string'), [[3, 'x']]);

    expect(database().sql('SELECT * FROM seen ORDER BY id')).toEqual([
      { id: 1, category: 'groceries', twice: 2 },
      { id: 2, category: 'a, (b) "c"', twice: 4 },
      { id: 3, category: 'a, (b) "c"', twice: 6 },
    ]);
    expect(database().sql(`SELECT "odd "" name" AS odd FROM t WHERE category = 'GROCERIES'`)).toEqual([
      { odd: 7 },
    ]);
    expect(() => database().exec(`UPDATE t SET "odd "" name" = 5`)).toThrow(/CHECK/);
    expect(await database().load(keyed('string'), [[1, '1']])).toMatchObject({ unchanged: 1 });
  });

  test('are not taken for new ones of the rows', async () => {
    await database().load(keyed('int64'), [[1, 1]]);
    database().exec('ALTER TABLE t ADD COLUMN Category TEXT');
    const wider = tableOf(['id:int64', 'v:int64', 'category'], upsert, ['id']);

    await expect(database().load(wider, [[1, 1, 'x']])).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
      message: expect.stringContaining('somebody has added a column of that name') as string,
    });
  });

  test('that can not be made again are named, and nothing is changed', async () => {
    await database().load(keyed('int64'), [[1, 1]]);
    const text = String(database().sql("SELECT sql FROM sqlite_schema WHERE name = 't'")[0]?.['sql']);
    database().exec(`PRAGMA foreign_keys = OFF; ALTER TABLE t RENAME TO old;
      ${text.replace('"v"', 'extra TEXT UNIQUE, "v"')};
      INSERT INTO t (id, v, _inserted_at_ts, _inserted_at_day, _plumbing_load_id)
        SELECT id, v, _inserted_at_ts, _inserted_at_day, _plumbing_load_id FROM old;
      DROP TABLE old`);

    await expect(database().load(keyed('string'), [[2, 'x']])).rejects.toMatchObject({
      code: 'SCHEMA_DRIFT',
      message: expect.stringContaining('column "extra", which is not the load') as string,
    });
    expect(database().sql('SELECT id, v, extra FROM t')).toEqual([{ id: 1, v: 1, extra: null }]);
  });
});

test('a trigger that passes over what is there already may do so', async () => {
  await database().load(keyed('string'), []);
  database().exec(`CREATE TABLE seen (v TEXT PRIMARY KEY);
    CREATE TRIGGER noted AFTER INSERT ON t BEGIN INSERT OR IGNORE INTO seen VALUES (new.v); END`);
  await database().load(keyed('string'), [
    [1, 'same'],
    [2, 'same'],
  ]);

  expect(database().sql('SELECT v FROM seen')).toEqual([{ v: 'same' }]);
});

test('row ids stay, for an index of somebody that holds them', async () => {
  await database().load(keyed('string'), [
    [1, 'word1'],
    [2, 'word2'],
    [3, 'word3'],
  ]);
  database().exec(`DELETE FROM t WHERE id = 1;
    CREATE VIRTUAL TABLE ft USING fts5(v, content = 't', content_rowid = 'rowid');
    INSERT INTO ft (ft) VALUES ('rebuild')`);
  await database().load(tableOf([column('id', 'decimal(21,2)'), 'v'], upsert, ['id']), []);

  expect(database().sql("SELECT v FROM ft WHERE ft MATCH 'word2'")).toEqual([{ v: 'word2' }]);
});

test('a database of UTF-16 keeps its texts when their column widens', async () => {
  const db = new DatabaseSync(database().path);
  db.exec("PRAGMA encoding = 'UTF-16le'; CREATE TABLE mine (x)");
  db.close();
  await database().load(keyed('string'), [
    [1, 'abc'],
    [2, 'ü'],
  ]);
  await database().load(keyed('json'), []);

  expect(await database().rows(['v'], { orderBy: ['id'] })).toEqual([{ v: 'abc' }, { v: 'ü' }]);
});

test('a scope that the source named before its column widened still finds its rows', async () => {
  const scoped = (account: LogicalType) => tableOf([column('account', account), 'v'], scopedBy('account'));
  await database().load(scoped('int64'), [
    [5, 'a'],
    [6, 'b'],
  ]);
  const load = await database().begin([scoped('int64')]);
  await load.write('t', [], [{ account: 5 }]);
  await load.evolve('t', [column('account', 'string')]);
  await load.write('t', [['DE7', 'c']]);
  await load.finishTable('t', []);
  await load.publish();

  expect(await database().rows(['account'], { orderBy: ['account'] })).toEqual([
    { account: '6' },
    { account: 'DE7' },
  ]);
});
