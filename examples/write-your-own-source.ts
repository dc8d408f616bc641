/** A source of your own, whole: schema, key, cursor and paging. */
import { defineSource, defineStream, int64, run, timestamp } from 'plumbing-core';
import { sqlite } from 'plumbing-core/destinations/sqlite';
import { createHttpClient } from 'plumbing-core/http';
import { z } from 'zod';
import { startIssueTracker } from './local-api/issue-tracker.ts';

const api = await startIssueTracker();
const http = createHttpClient({ baseUrl: api.url });

const issues = defineStream({
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
      // Absent in a first run, and then not part of the query.
      const query = { page, since: from };
      const rows = (await http.request({ path: '/issues', query, signal })).json() as unknown[];
      if (rows.length === 0) return;
      yield rows;
    }
  },
});

const source = defineSource({ name: 'tracker', streams: [issues] });
const destination = sqlite(process.env['SQLITE_DB_PATH'] ?? 'issues.db');
for (const attempt of ['first run', 'second run']) {
  const report = await run({ source, destination });
  console.log(`${attempt}: ${report.status}, ${report.streams[0]?.inserted} new issues`);
}
api.close();
