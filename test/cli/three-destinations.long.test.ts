/** The same pipeline to all three destinations, by the command: the same tables, row by row. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { iceberg } from '../../src/destinations/iceberg/index.ts';
import { nessie } from '../../src/destinations/nessie/index.ts';
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import type { Destination } from '../../src/model/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import { startServer } from '../destinations/nessie/server.ts';
import type { TestServer } from '../destinations/nessie/server.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let folder: string;
let bank: ComdirectSandbox;
let server: TestServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-three-'));
  server = await startServer();
  bank = await startComdirectSandbox({
    approveAfterMs: 50,
    historyDays: 200,
    now: () => new Date('2026-11-23T08:00:00Z'),
  });
}, 540_000);
afterAll(async () => {
  await bank?.close();
  await server?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function load(to: string): Promise<void> {
  const child = spawn(process.execPath, [main, 'run', 'comdirect', '--to', to, '--json'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PLUMBING_STATE_DIR: join(folder, 'state'),
      PLUMBING_REQUESTS_PER_SECOND: '1000',
      PLUMBING_LOGIN: 'push',
      NESSIE_URI: server.uri,
      S3_ACCESS_KEY_ID: 'test',
      S3_SECRET_ACCESS_KEY: 'test',
      ...bank.environment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code, stderr).toBe(0);
}

/** All rows of all tables, without what tells one load from another. */
async function contents(destination: Destination): Promise<Record<string, string[]>> {
  const session = await destination.open({ readOnly: true });
  try {
    const found: Record<string, string[]> = {};
    for (const table of [...(await session.reader.tables())].toSorted()) {
      const rows: string[] = [];
      for await (const row of session.reader.readRows(table)) {
        const own = Object.entries(row).filter(
          ([name]) => !/^_inserted_at_ts$|^_plumbing_load_id$/.test(name),
        );
        rows.push(JSON.stringify(own));
      }
      found[table] = rows.toSorted();
    }
    return found;
  } finally {
    await session.close();
  }
}

test('comdirect in SQLite, in a folder, and in Nessie: the same rows', async () => {
  for (const to of ['sqlite:bank.db', 'iceberg:./warehouse', 'nessie:', 'nessie:']) await load(to);
  const file = await contents(sqlite(join(folder, 'bank.db')));
  expect(Object.values(file).flat().length).toBeGreaterThan(100);
  expect(await contents(iceberg(join(folder, 'warehouse')))).toEqual(file);
  expect(await contents(nessie(server.options))).toEqual(file);
});
