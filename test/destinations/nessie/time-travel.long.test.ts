/** Reading a server as it was: branches, tags, commits and times. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { openNessie } from '../../../src/destinations/nessie/open-nessie.ts';
import { undoLoad } from '../../../src/index.ts';
import { contentsOf, load, streamOf } from '../iceberg/undo-place.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer;
let options: NessieOptions;
/** Before anything, and after each of three loads. */
const times: Date[] = [];
const hashes: string[] = [];
let loadId = '';

async function moment(): Promise<void> {
  await delay(20);
  times.push(new Date());
  await delay(20);
}

async function head(ref: string) {
  const { api } = await openNessie(options);
  const reference = await api.reference(ref);
  if (!reference) throw new Error(`there is no ${ref}`);
  return reference;
}

beforeAll(async () => {
  server = await startServer();
  options = { ...server.options, namespace: 'shop' };
  await moment();
  for (const id of [1, 2, 3]) {
    ({ loadId } = await load(nessie(options), [
      streamOf('t', [{ id, note: `load ${id}` }], { cursor: { column: 'id' } }),
    ]));
    const main = await head('main');
    hashes.push(main.hash);
    await moment();
    const { api } = await openNessie(options);
    if (id === 1) await api.create('TAG', 'v1', main);
    if (id === 2) await api.create('BRANCH', 'dev/two', main);
  }
  await load(nessie({ ...options, ref: 'dev/two' }), [streamOf('t', [{ id: 9, note: 'on dev' }])]);
  await moment();
}, 540_000);
afterAll(() => server?.close());

async function ids(more: Partial<NessieOptions>): Promise<number[]> {
  const { tables, state } = await contentsOf(nessie({ ...options, ...more }));
  const found = (tables['t']?.rows ?? []).map((row) => Number(row['id'])).toSorted((a, b) => a - b);
  const main = found.filter((id) => id < 9);
  // Cursors are those of the same moment.
  expect(state).toMatchObject([{ state: { cursor: main.at(-1) } }]);
  return found;
}

describe('shows the rows of its moment:', () => {
  test('a branch', async () => {
    expect(await ids({})).toEqual([1, 2, 3]);
    expect(await ids({ ref: 'main' })).toEqual([1, 2, 3]);
    expect(await ids({ ref: 'dev/two' })).toEqual([1, 2, 9]);
  });

  test('a tag', async () => {
    expect(await ids({ ref: 'v1' })).toEqual([1]);
    expect(await ids({ ref: 'v1', at: new Date() })).toEqual([1]);
  });

  test('a commit', async () => {
    for (const [i, hash] of hashes.entries())
      expect(await ids({ ref: `main@${hash}` })).toEqual([1, 2, 3].slice(0, i + 1));
    expect(await ids({ ref: `dev/two@${hashes[1] ?? ''}` })).toEqual([1, 2]);
  });

  test('a time, in whatever form', async () => {
    for (const i of [1, 2, 3]) {
      const at = times[i] as Date;
      expect(await ids({ at })).toEqual([1, 2, 3].slice(0, i));
      expect(await ids({ at: at.toISOString(), ref: 'main' })).toEqual([1, 2, 3].slice(0, i));
      const berlin = new Date(at.getTime() + 3_600_000).toISOString().replace('Z', '000+01:00');
      expect(await ids({ at: berlin })).toEqual([1, 2, 3].slice(0, i));
    }
    expect(await ids({ at: '2099-01-01T00:00:00Z' })).toEqual([1, 2, 3]);
    expect(await ids({ ref: 'dev/two', at: new Date() })).toEqual([1, 2, 9]);
    expect(await ids({ ref: 'dev/two', at: times[2] as Date })).toEqual([1, 2]);
  });
});

test.each<readonly [string, Partial<NessieOptions> | (() => Partial<NessieOptions>), RegExp]>([
  ['no time', { at: 'yesterday' }, /no timestamp with a time zone/],
  ['a time without a zone', { at: '2026-11-01T00:00:00' }, /no timestamp with a time zone/],
  ['no date', { at: new Date(Number.NaN) }, /no timestamp/],
  ['a time before the first commit', () => ({ at: times[0] as Date }), /"main" had no commit yet at/],
  ['a commit and a time', () => ({ ref: `main@${hashes[0] ?? ''}`, at: times[1] as Date }), /not both/],
  [
    'a branch that is not there',
    { ref: 'nowhere', at: '2026-11-01T00:00:00Z' },
    /no branch or tag "nowhere"/,
  ],
])('%s is an error of the configuration', async (_what, more, message) => {
  const chosen = typeof more === 'function' ? more() : more;
  await expect(nessie({ ...options, ...chosen }).open({ readOnly: true })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(message) as unknown,
  });
});

test.each<readonly [string, () => Partial<NessieOptions>]>([
  ['a tag', () => ({ ref: 'v1' })],
  ['a commit', () => ({ ref: `main@${hashes[2] ?? ''}` })],
  ['a time', () => ({ at: new Date() })],
])('%s is not written to', async (_what, more) => {
  const destination = nessie({ ...options, ...more() });
  const before = await head('main');
  const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining('can only be read') as unknown };
  await expect(load(destination, [streamOf('t', [{ id: 8, note: 'x' }])])).rejects.toMatchObject(refused);
  await expect(undoLoad(destination, loadId)).rejects.toMatchObject(refused);
  expect(await head('main')).toEqual(before);
});

test('NESSIE_AT and NESSIE_REF choose what plumbing status shows', async () => {
  const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
  const status = async (env: Record<string, string>): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [main, 'status', '--to', 'nessie:', '--json'],
      {
        env: {
          ...process.env,
          NESSIE_URI: server.uri,
          NESSIE_NAMESPACE: 'shop',
          S3_ACCESS_KEY_ID: 'test',
          S3_SECRET_ACCESS_KEY: 'test',
          ...env,
        },
      },
    );
    return (JSON.parse(stdout) as { tables: unknown }).tables;
  };
  const rows = (count: number) => [{ table: 't', rows: count, quarantined: 0 }];
  expect(await status({})).toEqual(rows(3));
  expect(await status({ NESSIE_AT: (times[2] as Date).toISOString() })).toEqual(rows(2));
  expect(await status({ NESSIE_REF: 'v1' })).toEqual(rows(1));
});

test('what was taken back is still there to be read at its time', async () => {
  await undoLoad(nessie(options), loadId);
  expect(await ids({})).toEqual([1, 2]);
  expect(await ids({ at: times[3] as Date })).toEqual([1, 2, 3]);
  expect(await ids({ at: new Date() })).toEqual([1, 2]);
});
