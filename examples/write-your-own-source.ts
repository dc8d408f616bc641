/** A source of your own: here a public-style JSON API, served locally so that the example needs no network. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defineSource, defineStream, int64, run, timestamp } from 'plumbing-core';
import { sqlite } from 'plumbing-core/destinations/sqlite';
import { createHttpClient } from 'plumbing-core/http';
import { z } from 'zod';

const issues = (baseUrl: string) => {
  const http = createHttpClient({ baseUrl });
  return defineStream({
    name: 'issues',
    schema: z.object({
      id: int64(),
      title: z.string(),
      user: z.object({ login: z.string() }),
      updatedAt: timestamp(),
    }),
    primaryKey: ['id'],
    cursor: { column: 'updated_at', order: 'ascending' },
    async *read({ from, signal }) {
      for (let page = 1; ; page++) {
        const query = { page, ...(typeof from === 'string' && { since: from }) };
        const rows = (await http.request({ path: '/issues', query, signal })).json() as unknown[];
        if (rows.length === 0) return;
        yield rows;
      }
    },
  });
};

const api = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
  const first = (Number(searchParams.get('page')) - 1) * 50;
  const updatedAt = (id: number): string => new Date(Date.UTC(2026, 0, 1, 0, id)).toISOString();
  const all = Array.from({ length: 120 }, (_, id) => ({
    id,
    title: `Issue ${id}`,
    user: { login: 'mira' },
    updatedAt: updatedAt(id),
  }));
  const since = searchParams.get('since') ?? '';
  response.end(
    JSON.stringify(all.filter((issue) => issue.updatedAt >= since.slice(0, 19)).slice(first, first + 50)),
  );
}).listen(0, '127.0.0.1');
const source = defineSource({
  name: 'tracker',
  streams: [issues(`http://127.0.0.1:${(api.address() as AddressInfo).port}`)],
});
const report = await run({ source, destination: sqlite(process.env['SQLITE_DB_PATH'] ?? 'issues.db') });
console.log(report.status, report.streams[0]?.inserted, 'new issues');
api.close();
