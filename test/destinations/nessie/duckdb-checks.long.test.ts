/** Checks in DuckDB's SQL over a branch, whose files are fetched from S3 for them; none of them stays. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import { expectDuckDbChecks } from '../duckdb-checks.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 540_000);
afterAll(() => server?.close());

const fetched = (): string[] =>
  readdirSync(tmpdir()).filter((name) => /^plumbing-(audit|checks)-/.test(name));

test.each([
  ['files written anew', undefined],
  ['files of deletes', 0],
])(
  'with %s: types, values, refusals, and nothing of a failed load is seen',
  async (_how, rewriteBelowBytes) => {
    const before = fetched();
    await expectDuckDbChecks(
      nessie({
        ...server.options,
        namespace: `duck${rewriteBelowBytes ?? 'anew'}`,
        ...(rewriteBelowBytes !== undefined && { rewriteBelowBytes }),
      }),
    );
    expect(fetched().filter((name) => !before.includes(name))).toEqual([]);
  },
);
