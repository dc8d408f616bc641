/** Files of JSON lines: taken by DuckDB or read row by row, the table is the same. */
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iceberg, readRows } from '../../../src/destinations/iceberg/index.ts';
import type { IcebergOptions } from '../../../src/destinations/iceberg/index.ts';
import { date, decimal, defineSource, defineStream, int64, run, timestamp } from '../../../src/index.ts';
import type { RunReport, WriteMode } from '../../../src/index.ts';
import { jsonLines } from '../../../src/sources/json-lines/index.ts';

const schema = z.object({
  id: int64(),
  amount: decimal(18, 4).nullish(),
  share: decimal(9, 3).nullish(),
  day: date().nullish(),
  at: timestamp().nullish(),
  ok: z.boolean().nullish(),
  n: z.number().nullish(),
  text: z.string().nullish(),
});

type Line = Readonly<Record<string, unknown>>;

/** A folder with files, and two warehouses: what DuckDB brings in, and what JavaScript does. */
class Files implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'plumbing-files-'));
  #files = 0;

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  file(rows: readonly (Line | string)[]): string {
    const path = join(this.folder, `rows-${this.#files++}.jsonl`);
    writeFileSync(
      path,
      rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''),
    );
    return path;
  }

  load(write: WriteMode, engine: 'auto' | 'javascript', ...paths: string[]): Promise<RunReport> {
    const destination = iceberg(this.to(engine));
    const stream = defineStream({
      name: 't',
      schema,
      primaryKey: ['id'],
      write,
      read: () => jsonLines(...paths),
    });
    return run({ source: defineSource({ name: 'files', streams: [stream] }), destination });
  }

  to(engine: 'auto' | 'javascript'): IcebergOptions {
    return { warehouse: join(this.folder, engine), engine };
  }

  async rows(engine: 'auto' | 'javascript' = 'auto'): Promise<string[]> {
    const rows: string[] = [];
    for await (const { _plumbing_load_id: id, _inserted_at_ts: at, ...row } of readRows(
      this.to(engine),
      't',
    )) {
      rows.push(
        JSON.stringify({ ...row, at2: at !== null, id2: id !== null }, (_, v: unknown) =>
          typeof v === 'bigint' ? `${v}n` : v,
        ),
      );
    }
    return rows.toSorted();
  }

  /** The delete files in the table's folder, and what the last snapshot says of those that count. */
  async deletes() {
    const connection = await (await DuckDBInstance.create()).connect();
    const folder = join(this.folder, 'auto', 'default', 't');
    const made = readdirSync(join(folder, 'data')).filter((name) => name.endsWith('-deletes.parquet'));
    let sorted = true;
    for (const name of made) {
      const path = join(folder, 'data', name);
      const rows = (await connection.runAndReadAll(`SELECT file_path, pos FROM '${path}'`)).getRows();
      const places = rows.map(([, pos]) => Number(pos));
      const ids = await connection.runAndReadAll(
        `SELECT field_id FROM parquet_schema('${path}') WHERE field_id IS NOT NULL`,
      );
      sorted &&= places.every((place, i) => i === 0 || place > (places[i - 1] as number));
      sorted &&= ids.getRows().join() === '2147483546,2147483545';
    }
    const metadata = readdirSync(join(folder, 'metadata')).filter((name) => name.endsWith('.metadata.json'));
    const last = readFileSync(join(folder, 'metadata', metadata.toSorted().at(-1) as string), 'utf8');
    const { snapshots } = JSON.parse(last) as { snapshots: { summary: Record<string, string> }[] };
    const summary = snapshots.at(-1)?.summary ?? {};
    return {
      made: made.length,
      live: summary['total-delete-files'],
      positions: summary['total-position-deletes'],
      sorted,
      duck: made.filter((name) => readFileSync(join(folder, 'data', name)).includes('DuckDB')).length,
    };
  }

  /** How many of the table's data files DuckDB has written. */
  written(): number {
    const folder = join(this.folder, 'auto', 'default', 't', 'data');
    return readdirSync(folder).filter((name) => readFileSync(join(folder, name)).includes('DuckDB')).length;
  }
}

const row = (id: number, text = 'x'): Line => ({ id, text, amount: '1.5', n: 0.25 });
const append: WriteMode = { mode: 'append' };
const merge: WriteMode = { mode: 'merge', strategy: 'upsert' };
const keep: WriteMode = { mode: 'merge', strategy: 'insert-only' };
const replace: WriteMode = { mode: 'replace' };

describe('a file of JSON lines', () => {
  test('is taken by DuckDB, and gives the same table and counts as row by row', async () => {
    const line = fc.record(
      {
        amount: fc.option(
          fc.bigInt({ min: -(10n ** 18n - 1n), max: 10n ** 18n - 1n }).map((n) => textOf(n, 4)),
        ),
        share: fc.option(fc.integer({ min: -999_999_999, max: 999_999_999 }).map((n) => n / 1_000)),
        day: fc.option(days().map((at) => at.toISOString().slice(0, 10))),
        at: fc.option(days().map((at) => at.toISOString().replace('Z', '123+02:30'))),
        ok: fc.option(fc.boolean()),
        n: fc.option(
          fc
            .double({ noDefaultInfinity: true, noNaN: true, min: -1e15, max: 1e15 })
            .map((n) => Number(n.toPrecision(12)) + 0),
        ),
        text: fc.option(fc.string({ unit: 'grapheme' })),
      },
      { requiredKeys: ['amount'] },
    );
    const lines = (least: number) =>
      fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 40 }), line), {
        selector: ([id]) => id,
        minLength: least,
        maxLength: 20,
      });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(append, merge, keep, replace),
        lines(1),
        fc.array(lines(1), { minLength: 1, maxLength: 3 }),
        async (write, first, more) => {
          using files = new Files();
          const toFile = (rows: typeof first): string =>
            files.file(rows.map(([id, rest]) => ({ id, ...rest })));
          const [base, ...paths] = [toFile(first), ...more.map(toFile)] as [string, ...string[]];
          const reports = [];
          for (const engine of ['auto', 'javascript'] as const) {
            await files.load(write, engine, base);
            const { streams } = await files.load(write, engine, ...paths);
            const { inserted, updated, unchanged, deleted, read } = streams[0] ?? {};
            reports.push({ inserted, updated, unchanged, deleted, read });
          }
          expect(reports[0]).toEqual(reports[1]);
          expect(await files.rows('auto')).toEqual(await files.rows('javascript'));
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  test.each([
    ['in folders that name a value', 'text=EU/id=7/n=null/rows.jsonl', true],
    ['in folders that name another type', 'day=2026-01-31/n=abc/rows.jsonl', true],
    ['whose name is a pattern', 'o[12]*.jsonl', false],
    ['in a folder whose name is a pattern', 'a{b,c}/rows.jsonl', false],
  ])('%s gives its own rows, and those of no other file', async (_what, path, byDuck) => {
    for (const write of [append, merge]) {
      using files = new Files();
      const place = join(files.folder, path);
      mkdirSync(dirname(place), { recursive: true });
      mkdirSync(join(files.folder, 'ab'));
      cpSync(files.file([1, 2].map((id) => ({ ...row(id), day: '2026-01-05' }))), place);
      for (const other of ['o1.jsonl', 'o2x.jsonl', 'ab/rows.jsonl'])
        cpSync(files.file([row(100), row(101)]), join(files.folder, other));
      for (const engine of ['auto', 'javascript'] as const) {
        await files.load(write, engine, files.file([row(3)]));
        expect(await files.load(write, engine, place)).toMatchObject({ streams: [{ read: 2, inserted: 2 }] });
      }
      expect(await files.rows('auto')).toEqual(await files.rows('javascript'));
      expect(files.written()).toBe(byDuck ? 2 : 1);
    }
  });

  test('with numbers of more digits than a double keeps is judged row by row', async () => {
    using files = new Files();
    const odd = (n: string): string => `{"id":${n.length},"n":${n}}`;
    const numbers = [
      '0.30000000000000004',
      '919718739216.5487612',
      '0.123456789012345678',
      '123456789012345.6',
    ];
    for (const engine of ['auto', 'javascript'] as const) {
      await files.load(append, engine, files.file([row(1)]));
      await files.load(append, engine, files.file(numbers.map(odd)));
    }
    expect(await files.rows('auto')).toEqual(await files.rows('javascript'));
  });

  test('that is a pipe is read once', async () => {
    using files = new Files();
    const pipe = join(files.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await files.load(merge, 'auto', files.file([row(1)]));
    const loading = files.load(merge, 'auto', pipe);
    const writer = spawn('sh', ['-c', 'cat "$0" > "$1"', files.file([row(2), row(3)]), pipe]);
    expect(await loading).toMatchObject({ status: 'succeeded', streams: [{ inserted: 2 }] });
    writer.kill();
  });

  test('is not passed through JavaScript', async () => {
    using files = new Files();
    await files.load(merge, 'auto', files.file([row(1), row(2)]));
    await files.load(merge, 'auto', files.file([row(2, 'new'), row(3)]));
    expect(files.written()).toBe(2);
    expect(await files.rows()).toHaveLength(3);
  });

  test.each([
    ['a row that does not fit', [row(1), { id: 'two' }, row(3)], { inserted: 2, quarantined: 1 }],
    ['a line that is no JSON', [row(1), '{"id":', row(3)], { inserted: 2, quarantined: 1 }],
    ['a key twice', [row(1, 'a'), row(2), row(1, 'b')], { inserted: 2, updated: 1 }],
    ['a field that is new', [row(1), { ...row(2), more: 1 }], { inserted: 2 }],
    [
      'a number that a double can not hold',
      ['{"id":1,"n":null}', '{"id":12345678901234567890,"n":1}'],
      { inserted: 1, quarantined: 1 },
    ],
  ])('with %s is read row by row', async (_what, lines, counts) => {
    using files = new Files();
    const report = await files.load(merge, 'auto', files.file(lines));
    expect(report.streams[0]).toMatchObject(counts);
    expect(files.written()).toBe(0);
    if ('updated' in counts) expect((await files.rows()).join()).toContain('"text":"b"');
  });

  test('is read row by row while rows of the table wait in quarantine, so that their keys are found', async () => {
    using files = new Files();
    await files.load(merge, 'auto', files.file([row(1)]));
    await files.load(merge, 'auto', files.file([{ ...row(1), n: 'much' }]));
    const written = files.written();
    await files.load(merge, 'auto', files.file([row(1), row(2)]));
    expect(files.written()).toBe(written);
    const session = await iceberg(files.to('auto')).open({ readOnly: true });
    expect(await Array.fromAsync(session.reader.quarantined('t'))).toMatchObject([{ isSuperseded: true }]);
    await session.close();
  });

  test('files that meet in one commit: the last one counts', async () => {
    using files = new Files();
    await files.load(merge, 'auto', files.file([row(1, 'old'), row(2, 'old'), row(4, 'old')]));
    const report = await files.load(
      merge,
      'auto',
      files.file([row(1, 'a'), row(2, 'a'), row(3, 'a')]),
      files.file([row(2, 'b'), row(3, 'b'), row(5, 'b')]),
      files.file([row(2, 'b'), row(1, 'old')]),
    );
    expect(report.streams[0]).toMatchObject({ inserted: 2, updated: 5, unchanged: 1 });
    const texts = (await files.rows()).map((text) => (JSON.parse(text) as { text: string }).text);
    expect(texts.toSorted()).toEqual(['b', 'b', 'b', 'old', 'old']);
  });

  test('a row keeps when it was inserted, and says which load changed it', async () => {
    using files = new Files();
    const first = await files.load(merge, 'auto', files.file([row(1), row(2)]));
    const second = await files.load(merge, 'auto', files.file([row(1), row(2, 'new')]));
    const loads = new Map<unknown, unknown>();
    const times = new Map<unknown, unknown>();
    for await (const { id, _plumbing_load_id: load, _inserted_at_ts: at } of readRows(
      files.to('auto'),
      't',
    )) {
      loads.set(id, load);
      times.set(id, at);
    }
    expect(loads).toEqual(
      new Map([
        [1, first.loadId],
        [2, second.loadId],
      ]),
    );
    expect(times.get(1)).toBe(times.get(2));
  });

  test('that changes while it is loaded is an error, and nothing of it is stored', async () => {
    using files = new Files();
    const path = files.file([row(1), row(2)]);
    const destination = iceberg(files.to('auto'));
    const stream = defineStream({
      name: 't',
      schema,
      write: 'append',
      read: () => jsonLines(path),
    });
    const report = await run(
      { source: defineSource({ name: 'files', streams: [stream] }), destination },
      {
        onProgress({ type }) {
          if (type === 'batch') appendFileSync(path, `${JSON.stringify(row(3))}\n`);
        },
      },
    );
    expect(report).toMatchObject({
      status: 'failed',
      streams: [{ error: { code: 'SOURCE_FAILED', retryable: true } }],
    });
    expect(await files.rows()).toEqual([]);
  });

  test('changes are found in small and in large columns', async () => {
    using files = new Files();
    // Texts that do not compress: the column is most of the table's bytes, and is read last.
    const half = (text: string): string => createHash('sha512').update(text).digest('base64');
    const text = (id: number): string => half(`a${id}`) + half(`b${id}`);
    const stored = Array.from({ length: 60_000 }, (_, id): Line => ({
      id,
      n: id % 7,
      ok: true,
      text: text(id),
    }));
    await files.load(merge, 'auto', files.file(stored));
    const fresh: Line = { id: 70_000, n: 1, ok: false, text: 'fresh' };
    const changes: Record<number, Line> = {
      0: {},
      1: { n: 9 },
      2: { text: 'new' },
      3: { text: null },
      4: { n: null },
    };
    const sent = Array.from({ length: 500 }, (_, i) => ({ ...stored[i * 100], ...changes[i % 5] }));
    const report = await files.load(merge, 'auto', files.file([...sent, fresh]));
    expect(report.streams[0]).toMatchObject({ inserted: 1, updated: 400, unchanged: 100 });
    const expected = new Map([...stored, ...sent, fresh].map((line) => [line['id'], line]));
    let read = 0;
    for await (const { id, n, text: found } of readRows(files.to('auto'), 't')) {
      const line = expected.get(id);
      if (n !== (line?.['n'] ?? null) || found !== (line?.['text'] ?? null))
        throw new Error(`row ${String(id)} differs`);
      read++;
    }
    expect(read).toBe(60_001);
    expect(files.written()).toBeGreaterThan(1);
    const again = await files.load(merge, 'auto', files.file([...sent, fresh]));
    expect(again.streams[0]).toMatchObject({ inserted: 0, updated: 0, unchanged: 501 });
  });

  test('many rows that change are named in one delete file of a data file, in order, also after others', async () => {
    using files = new Files();
    const text = (id: number): string => createHash('sha512').update(String(id)).digest('base64');
    const stored = Array.from({ length: 60_000 }, (_, id): Line => ({ id, text: text(id) }));
    await files.load(merge, 'auto', files.file(stored));
    const expected = new Map(stored.map(({ id, text: given }) => [id, given]));
    const change = async (rest: number, count: number): Promise<void> => {
      const sent = stored.filter(({ id }) => Number(id) % 20 === rest).slice(0, count);
      // Against the order of the file.
      const lines = sent.toReversed().map(({ id }): Line => ({ id, text: `new ${String(id)}` }));
      const report = await files.load(merge, 'auto', files.file(lines));
      expect(report.streams[0]).toMatchObject({ inserted: 0, updated: count });
      for (const { id, text: given } of lines) expected.set(id, given);
    };
    await change(0, 3_000);
    expect(await files.deletes()).toEqual({ made: 1, live: '1', positions: '3000', sorted: true, duck: 1 });
    await change(1, 3_000);
    expect(await files.deletes()).toEqual({ made: 2, live: '1', positions: '6000', sorted: true, duck: 2 });
    // Few: they are counted out to JavaScript, which names the others as well.
    await change(2, 10);
    expect(await files.deletes()).toEqual({ made: 3, live: '1', positions: '6010', sorted: true, duck: 2 });
    const found = new Map<unknown, unknown>();
    for await (const { id, text: now } of readRows(files.to('auto'), 't')) found.set(id, now);
    expect(found).toEqual(expected);
  });

  test('rows that follow a file in one commit may change the same data file', async () => {
    using files = new Files();
    const text = (id: number): string => createHash('sha512').update(String(id)).digest('base64');
    const stored = Array.from({ length: 60_000 }, (_, id): Line => ({ id, text: text(id) }));
    await files.load(merge, 'auto', files.file(stored));
    // The second file has a field of its own, and so is read row by row.
    const report = await files.load(
      merge,
      'auto',
      files.file(Array.from({ length: 1_500 }, (_, i) => ({ id: i * 7, text: 'by the file' }))),
      files.file([{ id: 8, text: 'by the rows', more: 1 }]),
    );
    expect(report.streams[0]).toMatchObject({ inserted: 0, updated: 1_501 });
    const found: unknown[] = [];
    for await (const { id, text: now } of readRows(files.to('auto'), 't'))
      if (id === 7 || id === 8 || id === 9) found.push([id, now]);
    expect(found.toSorted()).toEqual([
      [7, 'by the file'],
      [8, 'by the rows'],
      [9, text(9)],
    ]);
    const data = join(files.folder, 'auto', 'default', 't', 'data');
    expect(readdirSync(data).filter((name) => name.endsWith('-deletes.parquet'))).toHaveLength(1);
  });

  test('large files are written anew by DuckDB as well when much of them goes', async () => {
    using files = new Files();
    const ids = Array.from({ length: 60_000 }, (_, i) => i);
    await files.load(merge, 'auto', files.file(ids.map((id) => row(id, `text ${id * 7919}`))));
    const report = await files.load(
      merge,
      'auto',
      files.file(ids.filter((id) => id % 2 === 0).map((id) => row(id, 'new'))),
    );
    expect(report.streams[0]).toMatchObject({ inserted: 0, updated: 30_000 });
    const rows = await files.rows();
    expect(rows).toHaveLength(60_000);
    expect(rows.filter((text) => text.includes('"new"'))).toHaveLength(30_000);
  });
});

function days(): fc.Arbitrary<Date> {
  return fc.date({ min: new Date('1000-01-02'), max: new Date('9998-12-30'), noInvalidDate: true });
}

function textOf(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  return `${units < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
