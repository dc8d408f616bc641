/** A public-style JSON API on this machine, so that the example needs no network: `GET /issues?page=1&since=...`. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const pageSize = 50;
const issues = Array.from({ length: 120 }, (_, id) => ({
  id,
  title: `Issue ${id}`,
  user: { login: 'mira' },
  updatedAt: new Date(Date.UTC(2026, 0, 1, 0, id)).toISOString(),
}));

/** Starts the API on a free port. */
export async function startIssueTracker(): Promise<{ url: string; close: () => Server }> {
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const since = Date.parse(searchParams.get('since') ?? '1970-01-01');
    const first = (Number(searchParams.get('page') ?? 1) - 1) * pageSize;
    const matching = issues.filter((issue) => Date.parse(issue.updatedAt) >= since);
    response.end(JSON.stringify(matching.slice(first, first + pageSize)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}
