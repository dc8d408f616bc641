/** The day of a timestamp is that of UTC, wherever the machine stands. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const dist = new URL('../../dist/', import.meta.url).href;

test.each(['Asia/Tokyo', 'America/New_York'])('in queries, exports and checks (%s)', (zone) => {
  const folder = mkdtempSync(join(tmpdir(), 'plumbing-zone-'));
  try {
    const script = `
      import { readFileSync } from 'node:fs';
      import { openAnalytics } from '${dist}analytics/index.js';
      import { defineSource, defineStream, run, sqlCheck, timestamp } from '${dist}index.js';
      import { sqlite } from '${dist}destinations/sqlite/index.js';
      import { z } from '${import.meta.resolve('zod')}';
      const stream = defineStream({
        name: 't',
        schema: z.object({ seen: timestamp() }),
        async *read() { yield [{ seen: '2026-01-01T23:30:00Z' }, { seen: '2026-01-01T00:30:00Z' }]; },
      });
      const { checks } = await run({
        source: defineSource({ name: 'test', streams: [stream] }),
        destination: sqlite('x.db'),
        checks: [sqlCheck('one day', 't', (t) => "SELECT 1 FROM " + t + " WHERE seen::DATE <> DATE '2026-01-01'", { engine: 'duckdb' })],
      });
      const db = await openAnalytics({ attach: { x: 'x.db' } });
      const days = await db.query('SELECT DISTINCT seen::DATE AS day FROM x.t').all();
      await db.exportTo('x.csv', 'SELECT seen FROM x.t ORDER BY seen LIMIT 1');
      await db.close();
      console.log(JSON.stringify([checks[0].passed, days, readFileSync('x.csv', 'utf8')]));`;
    const said = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], {
      cwd: folder,
      env: { ...process.env, TZ: zone },
      encoding: 'utf8',
    });
    expect(JSON.parse(said)).toEqual([true, [{ day: '2026-01-01' }], 'seen\n2026-01-01 00:30:00+00\n']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
