/**
 * Spark reads what this library writes, and writes to it: `npm run check:spark`. Takes some minutes; needs Java 17 and Maven, and
 * brings Spark from PyPI and Iceberg's runtime from Maven Central. Not part of CI.
 */
import { execFileSync, spawn } from 'node:child_process';
import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { iceberg, maintainIceberg } from '../src/destinations/iceberg/index.ts';
import {
  decimal,
  defineSource,
  defineStream,
  int64,
  date,
  timestamp,
  json,
  binary,
} from '../src/model/index.ts';
import type { Value } from '../src/model/index.ts';
import { run } from '../src/pipeline/index.ts';
import { jsonLines } from '../src/sources/json-lines/index.ts';
import { z } from 'zod';
import { pythonEnvironment } from './services/python.ts';

const artifacts = [
  'org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.10.0',
  'org.xerial:sqlite-jdbc:3.46.1.3',
];
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const jarFolder = here('../node_modules/.cache/plumbing/jars');
mkdirSync(jarFolder, { recursive: true });
for (const artifact of artifacts) {
  execFileSync('mvn', ['-q', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${jarFolder}`]);
}
const jars = artifacts.map((artifact) => {
  const [, name, version] = artifact.split(':');
  return join(jarFolder, `${name}-${version}.jar`);
});

const folder = mkdtempSync(join(tmpdir(), 'plumbing-spark-'));
const warehouse = join(folder, 'warehouse');
const schema = z.object({
  id: int64(),
  note: z.string().nullish(),
  small: decimal(9, 2).nullish(),
  large: decimal(38, 9).nullish(),
  day: date().nullish(),
  moment: timestamp().nullish(),
  real: z.number().nullish(),
  flag: z.boolean().nullish(),
  doc: json().nullish(),
  bytes: binary().nullish(),
});

/** Loads a file of rows, as DuckDB brings it in: changed rows of a file are named by a delete file that DuckDB has written. */
async function loadFile(ids: readonly number[], note: string): Promise<void> {
  const path = join(folder, 'rows.jsonl');
  writeFileSync(path, ids.map((id) => `${JSON.stringify({ id, note })}\n`).join(''));
  const stream = defineStream({
    name: 'files',
    schema: z.object({ id: int64(), note: z.string() }),
    primaryKey: ['id'],
    write: 'upsert',
    read: () => jsonLines(path),
  });
  const report = await run({
    name: 'spark-files',
    source: defineSource({ name: 'spark', streams: [stream] }),
    destination: iceberg({ warehouse, rewriteBelowBytes: 0 }),
  });
  assert.equal(report.status, 'succeeded');
}

/** Loads rows as a pipeline does. */
async function load(rows: readonly unknown[], rewriteBelowBytes = 8 * 1024 * 1024): Promise<void> {
  const stream = defineStream({
    name: 't',
    schema,
    primaryKey: ['id'],
    async *read() {
      yield rows;
    },
  });
  const destination = iceberg({
    warehouse,
    rewriteBelowBytes,
    partitionBy: {
      t: [
        { column: 'day', transform: 'month' },
        { column: 'id', transform: 'bucket[2]' },
      ],
    },
  });
  const report = await run({
    name: 'spark',
    source: defineSource({ name: 'spark', streams: [stream] }),
    destination,
  });
  assert.equal(report.status, 'succeeded');
}

const textOf = (value: Value | undefined): string | null => {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
};

const row = (id: number, note: string): Record<string, unknown> => ({
  id,
  note,
  small: `${id}.25`,
  large: `-12345678901234567890123456789.${String(id).padStart(9, '0')}`,
  day: `2026-0${(id % 9) + 1}-15`,
  moment: '2026-11-23T07:00:00.123456Z',
  real: id / 3,
  flag: id % 2 === 0,
  doc: { id },
  bytes: Uint8Array.of(0, 255, id),
});

try {
  await load(Array.from({ length: 50 }, (_, id) => row(id, 'first')));
  await load([row(3, 'upserted'), { id: 100 }, row(101, 'ü𝄞')], 0);
  const python = await pythonEnvironment(here('services/requirements-spark.txt'), 'any');
  const child = spawn(
    python,
    [here('spark/server.py'), jars.join(','), join(warehouse, 'catalog.db'), `file://${warehouse}`],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const waiting: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('ANSWER ')) waiting.shift()?.(line.slice('ANSWER '.length));
  });
  const sql = async (text: string): Promise<(string | null)[][]> => {
    const line = await new Promise<string>((resolve) => {
      waiting.push(resolve);
      child.stdin.write(`${JSON.stringify({ sql: text })}\n`);
    });
    const answer = JSON.parse(line) as { error?: string; rows: (string | null)[][] };
    if (answer.error !== undefined) throw new Error(`${text}: ${answer.error}`);
    return answer.rows;
  };
  const columns =
    "id, note, CAST(small AS STRING), CAST(large AS STRING), CAST(day AS STRING), date_format(moment, 'yyyy-MM-dd HH:mm:ss.SSSSSS'), real, flag, doc, hex(bytes)";
  const compare = async (what: string): Promise<void> => {
    const session = await iceberg(warehouse).open({ readOnly: true });
    const own: (string | null)[][] = [];
    for await (const r of session.reader.readRows('t', { orderBy: ['id'] })) {
      const { bytes, flag, moment } = r;
      own.push([
        ...['id', 'note', 'small', 'large', 'day'].map((name) => textOf(r[name])),
        textOf(moment)?.replace('T', ' ').replace('Z', '') ?? null,
        textOf(r['real']),
        flag === null ? null : flag === true ? 'True' : 'False',
        textOf(r['doc']),
        bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex').toUpperCase() : null,
      ]);
    }
    await session.close();
    const theirs = (await sql(`SELECT ${columns} FROM plumbing.default.t ORDER BY id`)).map((cells) =>
      cells.map((cell, i) => (i === 6 && cell !== null ? String(Number(cell)) : cell)),
    );
    assert.deepEqual(theirs, own, what);
    console.log(`${what}: ${own.length} rows agree`);
  };
  await compare('append and upsert');
  const own = "timestamp '2026-11-23 07:00:00', date '2026-11-23', 'spark'";
  await sql(`INSERT INTO plumbing.default.t
             SELECT 500L, 'spark', 1.50BD, NULL, date '2026-04-01', NULL, 0.5D, true, NULL, X'00FF', ${own}
             UNION ALL SELECT 501L, 'spark', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ${own}`);
  await compare('INSERT by Spark');
  await load([row(501, 'ours again'), row(7, 'ours')], 0);
  await compare('upsert of rows that Spark has inserted');
  await sql(`MERGE INTO plumbing.default.t AS t USING (SELECT 7L AS id, 'merged' AS note) AS s ON t.id = s.id
             WHEN MATCHED THEN UPDATE SET t.note = s.note`);
  await sql('DELETE FROM plumbing.default.t WHERE id BETWEEN 10 AND 14');
  await compare('MERGE and DELETE by Spark');
  await load([row(7, 'after the merge'), row(12, 'back again')]);
  await compare('upsert after that');
  await sql(
    "CALL plumbing.system.rewrite_data_files(table => 'default.t', options => map('min-input-files', '2', 'delete-file-threshold', '1'))",
  );
  await compare('rewrite_data_files by Spark');
  await load([row(20, 'after the rewrite')], 0);
  await maintainIceberg(warehouse, { expireOlderThanDays: 0, retainLast: 1 });
  await compare('compaction and expiry here');
  await sql(
    "CALL plumbing.system.expire_snapshots(table => 'default.t', older_than => TIMESTAMP '2030-01-01 00:00:00', retain_last => 1)",
  );
  await sql('ALTER TABLE plumbing.default.t ADD COLUMN theirs STRING');
  await load([row(21, 'after a column of theirs')]);
  await compare('ALTER TABLE and expire_snapshots by Spark');
  const compareFiles = async (what: string): Promise<void> => {
    const session = await iceberg(warehouse).open({ readOnly: true });
    const own: (string | null)[][] = [];
    for await (const { id, note } of session.reader.readRows('files', { orderBy: ['id'] }))
      own.push([textOf(id), textOf(note)]);
    await session.close();
    assert.deepEqual(await sql('SELECT id, note FROM plumbing.default.files ORDER BY id'), own, what);
    console.log(`${what}: ${own.length} rows agree`);
  };
  const ids = Array.from({ length: 20_000 }, (_, id) => id);
  await loadFile(ids, 'first');
  await loadFile(
    ids.filter((id) => id % 10 === 0),
    'second',
  );
  await compareFiles('a delete file by DuckDB');
  await sql('DELETE FROM plumbing.default.files WHERE id % 10 = 1');
  await loadFile(
    ids.filter((id) => id % 10 === 2),
    'third',
  );
  await compareFiles('another one after a DELETE by Spark');
  child.stdin.end();
  console.log('Spark agrees');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
