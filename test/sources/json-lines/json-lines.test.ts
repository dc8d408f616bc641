import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineSource, defineStream, int64, run } from '../../../src/index.ts';
import { readRows, sqlite } from '../../../src/destinations/sqlite/index.ts';
import { jsonLines } from '../../../src/sources/json-lines/index.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-lines-'));
  file = join(folder, 'rows.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function rowsOf(...paths: string[]): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const batch of jsonLines(...paths)) for await (const part of batch.read()) rows.push(...part);
  return rows;
}

describe('jsonLines', () => {
  test.each([
    ['a last line without an end', '{"a":1}\n{"a":2}', [{ a: 1 }, { a: 2 }]],
    ['lines of Windows', '{"a":1}\r\n{"a":2}\r\n', [{ a: 1 }, { a: 2 }]],
    ['empty lines', '\n{"a":1}\n\n  \n{"a":2}\n\n', [{ a: 1 }, { a: 2 }]],
    ['a byte order mark', '\ufeff{"a":1}\n', [{ a: 1 }]],
    ['nothing', '', []],
    ['digits beyond 2^53', '{"a":9007199254740993}\n', [{ a: 9_007_199_254_740_993n }]],
    ['a line that is no JSON', '{"a":1}\n{"a":\n', [{ a: 1 }, '{"a":']],
  ])('reads %s', async (_what, text, rows) => {
    writeFileSync(file, text);
    expect(await rowsOf(file)).toEqual(rows);
  });

  test('reads lines that lie across the ends of chunks, and lines longer than one', async () => {
    const rows = Array.from({ length: 3_000 }, (_, i) => ({ i, text: 'ä€😀'.repeat(1 + (i % 300)) }));
    rows.push({ i: -1, text: 'x'.repeat(5_000_000) });
    writeFileSync(file, rows.map((row) => JSON.stringify(row)).join('\n'));
    expect(await rowsOf(file)).toEqual(rows);
  });

  test('reads several files in the order given', async () => {
    const other = join(folder, 'other.jsonl');
    writeFileSync(file, '{"a":1}\n');
    writeFileSync(other, '{"a":2}\n');
    expect(await rowsOf(other, file)).toEqual([{ a: 2 }, { a: 1 }]);
  });

  test('says which file can not be read, and which is not UTF-8', async () => {
    await expect(rowsOf(join(folder, 'absent'))).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('absent') as string,
    });
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d]));
    await expect(rowsOf(file)).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
  });

  test('puts what does not fit into the quarantine, and loads the rest', async () => {
    writeFileSync(file, '{"id":1}\nnot JSON\n{"id":"two"}\n{"id":3}\n');
    const orders = defineStream({
      name: 'orders',
      schema: z.object({ id: int64() }),
      primaryKey: ['id'],
      write: 'upsert',
      read: () => jsonLines(file),
    });
    const path = join(folder, 'db.sqlite');
    const report = await run({
      source: defineSource({ name: 'files', streams: [orders] }),
      destination: sqlite(path),
    });
    expect(report.streams[0]).toMatchObject({ read: 4, inserted: 2, quarantined: 2 });
    const ids: unknown[] = [];
    for await (const { id } of readRows(path, 'orders')) ids.push(id);
    expect(ids).toEqual([1, 3]);
  });
});

test('large rows come in small batches', async () => {
  const line = JSON.stringify({ text: 'x'.repeat(2 * 1024 * 1024) });
  writeFileSync(file, `${line}\n`.repeat(40));
  const sizes: number[] = [];
  for await (const batch of jsonLines(file)) for await (const part of batch.read()) sizes.push(part.length);

  expect(Math.max(...sizes)).toBe(8);
  expect(sizes.reduce((sum, size) => sum + size)).toBe(40);
});

test('a folder can not be read', async () => {
  await expect(rowsOf(folder)).rejects.toMatchObject({
    code: 'SOURCE_FAILED',
    message: expect.stringContaining('EISDIR') as string,
  });
});
