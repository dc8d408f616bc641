/** A load that is taken back on a real server: everything is as if it had never been, for all readers at once. */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import type { NessieContent } from '../../../src/destinations/nessie/nessie-contents.ts';
import { openNessie } from '../../../src/destinations/nessie/open-nessie.ts';
import { undoByContents } from '../../../src/destinations/nessie/undo.ts';
import { decimal, defineSource, int64, replayQuarantine, undoLoad, unique } from '../../../src/index.ts';
import type { RunReport, Stream } from '../../../src/index.ts';
import type { Destination, UndoReport } from '../../../src/model/index.ts';
import { Readers } from '../../iceberg/readers/readers.ts';
import { startProxy } from '../../iceberg/s3-proxy.ts';
import type { Fate, Passing } from '../../iceberg/s3-proxy.ts';
import { contentsOf, load, statusOf, streamOf } from '../iceberg/undo-place.ts';
import type { Contents, Item, LoadOptions, Shape } from '../iceberg/undo-place.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer;
let readers: Readers;
beforeAll(async () => {
  server = await startServer();
  readers = await Readers.start();
}, 540_000);
afterAll(async () => {
  readers?.close();
  await server?.close();
});

let serial = 0;
/** A namespace of its own. */
class Place {
  readonly namespace = `u${serial++}`;
  readonly options: NessieOptions;

  constructor(more: Partial<NessieOptions> = {}) {
    this.options = { ...server.options, namespace: this.namespace, ...more };
  }

  get destination(): Destination {
    return nessie(this.options);
  }

  run(streams: readonly Stream[], options: LoadOptions = {}): Promise<RunReport> {
    return load(this.destination, streams, options);
  }

  undo(loadId: string, options = this.options): Promise<UndoReport> {
    return undoLoad(nessie(options), loadId);
  }

  contents(): Promise<Contents> {
    return contentsOf(this.destination);
  }
}

const byId = { cursor: { column: 'id' } } as const;
const item = (id: number, note = 'n'): Item => ({ id, note });
const first = [item(1), item(2, 'b')];
const second = [item(2, 'changed'), item(3)];
const third = [item(3, 'later'), item(4)];
const nothing: Contents = { tables: {}, state: [], quarantine: [] };
const checked = { checks: [unique('t', ['id'])] };

async function api<T>(path: string): Promise<T> {
  return (await (await fetch(`${server.uri}/api/v2/${path}`)).json()) as T;
}

async function branches(): Promise<string[]> {
  const { references } = await api<{ references: { name: string }[] }>('trees');
  return references.map(({ name }) => name);
}

async function messages(): Promise<string[]> {
  const { logEntries } = await api<{ logEntries: { commitMeta: { message: string } }[] }>(
    'trees/main/history?max-records=500',
  );
  return logEntries.map(({ commitMeta }) => commitMeta.message);
}

/** Two loads of two tables. */
async function twoLoads(place: Place, options: LoadOptions = {}): Promise<{ older: string; newer: string }> {
  const of = (rows: readonly Item[]): Stream[] => [streamOf('t', rows, byId), streamOf('u', rows, byId)];
  const older = (await place.run(of(first), options)).loadId;
  const newer = (await place.run(of(second), options)).loadId;
  return { older, newer };
}

describe.each([
  ['without checks', {}],
  ['with checks', checked],
])('a load %s', (_how, options) => {
  test('is taken back in one commit of main; no branch stays', async () => {
    const place = new Place();
    const of = (rows: readonly Item[]): Stream[] => [streamOf('t', rows, byId), streamOf('u', rows, byId)];
    await place.run(of(first), options);
    const before = await place.contents();
    const { loadId } = await place.run([...of(second), streamOf('v', second)], options);
    const commits = (await messages()).length;
    const report = await place.undo(loadId);
    expect(report).toMatchObject({
      loadId,
      pipeline: 'shop',
      tables: [
        { table: 't', removed: 1, restored: 1 },
        { table: 'u', removed: 1, restored: 1 },
        { table: 'v', removed: 2, restored: 0 },
      ],
      state: [
        { stream: 't', partition: '', state: { cursor: 2 } },
        { stream: 'u', partition: '', state: { cursor: 2 } },
      ],
    });
    expect(await place.contents()).toEqual(before);
    expect(await statusOf(place.destination, loadId)).toBe('undone');
    const after = await messages();
    expect(after).toHaveLength(commits + 1);
    expect(after[0]).toBe(`undo of load ${loadId} of pipeline shop`);
    expect(await branches()).toEqual(['main']);
  });

  test('of nothing before leaves nothing, and the next run loads all', async () => {
    const place = new Place();
    const { loadId } = await place.run([streamOf('t', first, byId)], options);
    await place.undo(loadId);
    expect(await place.contents()).toEqual(nothing);
    const report = await place.run([streamOf('t', second, byId)], options);
    expect(report).toMatchObject({ status: 'succeeded', streams: [{ inserted: 2, updated: 0 }] });
    expect((await place.contents()).tables['t']?.rows).toHaveLength(2);
  });

  test('one after the other, latest first, with runs without news between', async () => {
    const place = new Place();
    const seen: Contents[] = [nothing];
    const ids: string[] = [];
    for (const rows of [first, second, third]) {
      ids.push((await place.run([streamOf('t', rows, byId)], options)).loadId);
      seen.push(await place.contents());
      await place.run([streamOf('t', rows, byId)], options);
    }
    await expect(place.undo(String(ids[1]))).rejects.toMatchObject({ code: 'UNDO_REFUSED' });
    for (const [i, loadId] of [...ids.entries()].toReversed()) {
      await place.undo(loadId);
      const { tables, state } = await place.contents();
      expect(tables).toEqual(seen[i]?.tables);
      expect((state as { state: unknown }[]).map((entry) => entry.state)).toEqual(
        ((seen[i]?.state ?? []) as { state: unknown }[]).map((entry) => entry.state),
      );
    }
    await place.run([streamOf('t', third, byId)], options);
    expect((await place.contents()).tables['t']?.rows).toHaveLength(2);
  });
});

const writes: readonly (readonly [string, Shape])[] = [
  ['append', { write: 'append', primaryKey: [] }],
  ['replace', { write: 'replace' }],
  ['insert-only', { write: 'insert-only' }],
  ['delete-insert', { write: { mode: 'merge', strategy: 'delete-insert', scope: ['note'] } }],
  ['scd2', { write: { mode: 'merge', strategy: 'scd2', closeAbsent: true } }],
];

test.each(writes)('%s: rows are what they were, and PyIceberg reads the same', async (_mode, shape) => {
  const place = new Place();
  await place.run([streamOf('t', first, shape)]);
  const before = await place.contents();
  const { loadId } = await place.run([streamOf('t', second, shape)]);
  await place.undo(loadId);
  expect(await place.contents()).toEqual(before);
  const { columns, rows } = await readers.pyicebergRows(rest(), `${place.namespace}.t`);
  expect(rows.map((row) => Number(row[columns.indexOf('id')])).toSorted()).toEqual([1, 2]);
  await place.run([streamOf('t', third, shape)]);
  await readers.pyicebergRows(rest(), `${place.namespace}.t`);
});

test('columns that a load has added or changed go again', async () => {
  const place = new Place();
  const amounts = (type: ReturnType<typeof decimal>, extra = {}): Shape => ({
    schema: z.object({ id: int64(), amount: type, ...extra }),
  });
  await place.run([streamOf('t', [{ id: 1, amount: '1.25' }], amounts(decimal(10, 2)))]);
  const before = await place.contents();
  const changed = amounts(decimal(20, 4), { extra: z.string() });
  for (let i = 0; i < 2; i++) {
    const { loadId } = await place.run([streamOf('t', [{ id: 2, amount: '0.0001', extra: 'x' }], changed)]);
    expect((await place.contents()).tables['t']?.columns).not.toEqual(before.tables['t']?.columns);
    await place.undo(loadId);
    expect(await place.contents()).toEqual(before);
  }
});

test('another table, and other pipelines, may have gone on', async () => {
  const place = new Place();
  const { newer } = await twoLoads(place);
  await place.run([streamOf('w', third)], { pipeline: 'other' });
  await place.undo(newer);
  const { tables } = await place.contents();
  expect(tables['t']?.rows.map((row) => row['note']).toSorted()).toEqual(['b', 'n']);
  expect(tables['w']?.rows).toHaveLength(2);
});

test('rows in quarantine stay, and those that were released go back', async () => {
  const place = new Place();
  const strict = { ...byId, drift: 'quarantine' } as const;
  const bad = [item(5), { id: 'none', note: 'x' }, { id: 3, note: 4 }];
  await place.run([streamOf('t', first, strict)]);
  const before = await place.contents();
  const { loadId } = await place.run([streamOf('t', bad, strict)]);
  const { quarantine } = await place.contents();
  expect(quarantine).toHaveLength(2);
  await place.undo(loadId);
  const set = await place.contents();
  expect(set).toEqual({ ...before, quarantine });
  const lenient = { schema: z.object({ id: int64(), note: z.coerce.string() }) };
  await replayQuarantine({
    source: defineSource({ name: 'shop', streams: [streamOf('t', [], { ...strict, ...lenient })] }),
    destination: place.destination,
  });
  expect((await place.contents()).quarantine).toHaveLength(1);
  const session = await place.destination.open({ readOnly: true });
  const { loads } = await session.reader.status();
  await session.close();
  await place.undo(String(loads[0]?.loadId));
  expect(await place.contents()).toEqual(set);
});

describe('refused, and nothing is changed:', () => {
  test.each<readonly [string, RegExp, (place: Place) => Promise<string>]>([
    ['a load that nobody knows', /no record/, async () => '01a221fc-721f-7eb0-8bca-9beaae8f7802'],
    [
      'one that was taken back',
      /taken back already/,
      async (place) => {
        const { newer } = await twoLoads(place);
        await place.undo(newer);
        return newer;
      },
    ],
    ['rows that came later', /"t": it was changed since/, async (place) => (await twoLoads(place)).older],
    [
      'a table that another program has dropped',
      /"t": it was changed since/,
      async (place) => {
        const { newer } = await twoLoads(place);
        const { house } = await openNessie(place.options);
        await house.catalog.dropTable(house.identifier('t'));
        return newer;
      },
    ],
    [
      'a load that came by a merge together with others',
      /a merge with other loads/,
      async (place) => {
        await place.run([streamOf('t', first)]);
        const { api: client } = await openNessie(place.options);
        const main = await client.reference('main');
        if (!main) throw new Error('there is no main branch');
        await client.create('BRANCH', `dev-${place.namespace}`, main);
        const dev = nessie({ ...place.options, ref: `dev-${place.namespace}` });
        await load(dev, [streamOf('t', second)]);
        const { loadId } = await load(dev, [streamOf('t', third)]);
        const tip = await client.reference(`dev-${place.namespace}`);
        if (!tip) throw new Error('the branch is gone');
        expect(await client.merge(tip, main)).toMatchObject({ outcome: 'committed' });
        await client.remove(tip);
        return loadId;
      },
    ],
    [
      'a load that came by a merge together with changes of others',
      /together with changes of others/,
      async (place) => {
        await place.run([streamOf('t', first)]);
        const { api: client } = await openNessie(place.options);
        const main = await client.reference('main');
        if (!main) throw new Error('there is no main branch');
        const name = `dev-${place.namespace}`;
        await client.create('BRANCH', name, main);
        const { loadId } = await load(nessie({ ...place.options, ref: name }), [streamOf('t', second)]);
        await foreignSnapshot(place, name);
        const tip = await client.reference(name);
        if (!tip) throw new Error('the branch is gone');
        expect(await client.merge(tip, main)).toMatchObject({ outcome: 'committed' });
        await client.remove(tip);
        return loadId;
      },
    ],
  ])('%s', async (_what, message, prepare) => {
    const place = new Place();
    const loadId = await prepare(place);
    const seen = await place.contents();
    const commits = await messages();
    await expect(place.undo(loadId)).rejects.toMatchObject({
      code: 'UNDO_REFUSED',
      message: expect.stringMatching(message) as unknown,
    });
    expect(await place.contents()).toEqual(seen);
    expect(await messages()).toEqual(commits);
    expect(await branches()).toEqual(['main']);
  });
});

/** A snapshot of another program: the one that is there, without the names of its load. */
async function foreignSnapshot(place: Place, ref: string): Promise<void> {
  const { house } = await openNessie({ ...place.options, ref });
  const base = await house.load('t');
  const last = base?.metadata.snapshots.at(-1);
  if (!base || !last) throw new Error('there is no snapshot');
  const snapshot = {
    ...last,
    'snapshot-id': last['snapshot-id'] + 1n,
    'parent-snapshot-id': last['snapshot-id'],
    'sequence-number': last['sequence-number'] + 1n,
    summary: { operation: 'append' } as const,
  };
  const result = await house.catalog.commit([
    {
      identifier: base.identifier,
      base,
      requirements: [],
      updates: [
        { action: 'add-snapshot', snapshot },
        {
          action: 'set-snapshot-ref',
          'ref-name': 'main',
          type: 'branch',
          'snapshot-id': snapshot['snapshot-id'],
        },
      ],
    },
  ]);
  expect(result.outcome).toBe('committed');
}

test('a reader that polls sees all of it, or nothing', async () => {
  const place = new Place();
  const { newer } = await twoLoads(place);
  const over = new AbortController();
  let polls = 0;
  const seen = (async () => {
    const pairs = new Set<string>();
    const client = (await openNessie(place.options)).api;
    while (!over.signal.aborted) {
      const head = await client.reference('main');
      const at = nessie({ ...place.options, ref: `main@${head?.hash ?? ''}` });
      const { tables, state } = await contentsOf(at);
      const cursors = (state as { state: { cursor: number } }[]).map((entry) => entry.state.cursor);
      pairs.add(JSON.stringify([tables['t']?.rows.length, tables['u']?.rows.length, ...cursors]));
      polls++;
    }
    return pairs;
  })();
  const morePolls = async (): Promise<void> => {
    const before = polls;
    // The one that is under way may have begun earlier.
    await expect.poll(() => polls, { timeout: 60_000 }).toBeGreaterThan(before + 1);
  };
  await morePolls();
  await place.undo(newer);
  await morePolls();
  over.abort();
  expect(await seen).toEqual(new Set(['[3,3,3,3]', '[2,2,2,2]']));
});

test('loads to other tables during an undo: both are there', async () => {
  const place = new Place();
  const { newer } = await twoLoads(place);
  const loads = (async () => {
    for (let i = 0; i < 5; i++) await place.run([streamOf('w', [item(i)])], { pipeline: 'other' });
  })();
  await Promise.all([place.undo(newer), loads]);
  const { tables } = await place.contents();
  expect([tables['t']?.rows.length, tables['u']?.rows.length, tables['w']?.rows.length]).toEqual([2, 2, 5]);
});

test('a load to the same table during an undo: one order or the other', async () => {
  for (let round = 0; round < 6; round++) {
    const place = new Place();
    const { newer } = await twoLoads(place);
    const other = (async () => {
      await delay(round * 60);
      return place.run([streamOf('t', [item(50)])], { pipeline: 'other' });
    })();
    const undoing = place.undo(newer).then(
      () => 'undone',
      (error: { code: string }) => error.code,
    );
    const [outcome, report] = await Promise.all([undoing, other]);
    expect(report.status).toBe('succeeded');
    const { tables } = await place.contents();
    const ids = tables['t']?.rows.map((row) => Number(row['id'])).toSorted((a, b) => a - b);
    expect(outcome === 'undone' ? [1, 2, 50] : [1, 2, 3, 50]).toEqual(ids);
    expect(tables['u']?.rows).toHaveLength(outcome === 'undone' ? 2 : 3);
    expect(['undone', 'UNDO_REFUSED']).toContain(outcome);
  }
  expect(await branches()).toEqual(['main']);
}, 120_000);

test('a load that stores only cursors does not do so on top of rows that were taken back', async () => {
  const place = new Place();
  const { newer } = await twoLoads(place);
  const without: Stream = {
    ...streamOf('t', [], byId),
    async *read() {
      yield { rows: [], cursor: 9 };
      // By another machine, which does not know the lock of this one.
      const connection = await openNessie(place.options);
      await undoByContents(connection)(connection.house, newer, new AbortController().signal);
    },
  };
  await expect(place.run([without])).rejects.toMatchObject({ code: 'COMMIT_CONFLICT', retryable: true });
  expect((await place.contents()).state).toMatchObject([{ state: { cursor: 2 } }, { state: { cursor: 2 } }]);
});

/** The server gets the request when the client has given it up. */
const late = 'late';

describe.each([
  ['the commit on the branch', /history\/commit/],
  ['the run record', /iceberg\/v1\/plumbing_.*transactions\/commit/],
  ['the merge', /history\/merge/],
] as const)('%s meets', (_what, url) => {
  test.each<readonly [string, Fate | typeof late]>([
    ['a lost answer', 'lose'],
    ['a lost request', 'drop'],
    ['a late arrival', late],
    ['503', { status: 503 }],
    ['409', { status: 409, body: '{}' }],
  ])('%s: done once, no branch stays', async (_fault, fate) => {
    const place = new Place();
    const { newer } = await twoLoads(place);
    const commits = (await messages()).length;
    let left = 1;
    const decide = async (passing: Passing): Promise<Fate> => {
      const isMet = passing.method === 'POST' && url.test(passing.url) && left-- > 0;
      if (isMet && fate === late) await delay(3_000);
      return isMet && fate !== late ? fate : 'pass';
    };
    await using proxy = await startProxy(server.uri, decide);
    const options = { ...place.options, uri: proxy.endpoint, ...(fate === late && { timeoutMs: 2_000 }) };
    expect(await place.undo(newer, options)).toMatchObject({ loadId: newer, tables: [{}, {}] });
    expect(left).toBeLessThan(1);
    const { tables, state } = await place.contents();
    expect([tables['t']?.rows.length, tables['u']?.rows.length]).toEqual([2, 2]);
    expect(state).toMatchObject([{ state: { cursor: 2 } }, { state: { cursor: 2 } }]);
    expect(await statusOf(place.destination, newer)).toBe('undone');
    expect(await messages()).toHaveLength(commits + 1);
    if (fate === late) await delay(1_500);
    expect(await branches()).toEqual(['main']);
  });
});

test('a merge that comes after it was given up, just before its branch goes: done once', async () => {
  const place = new Place();
  const { newer } = await twoLoads(place);
  const commits = (await messages()).length;
  const { promise: isLate, resolve: letGo } = Promise.withResolvers<void>();
  let merges = 0;
  const decide = async ({ method, url }: Passing): Promise<Fate> => {
    if (method === 'POST' && url.includes('history/merge') && merges++ === 0) await isLate;
    if (method === 'DELETE') {
      letGo();
      await delay(500);
    }
    return 'pass';
  };
  await using proxy = await startProxy(server.uri, decide);
  const options = { ...place.options, uri: proxy.endpoint, timeoutMs: 2_000 };
  expect(await place.undo(newer, options)).toMatchObject({ loadId: newer, tables: [{}, {}] });
  expect(merges).toBe(1);
  const { tables } = await place.contents();
  expect([tables['t']?.rows.length, tables['u']?.rows.length]).toEqual([2, 2]);
  expect(await messages()).toHaveLength(commits + 1);
  expect(await branches()).toEqual(['main']);
});

test('killed at every step: all or nothing, and the next try ends it', async () => {
  const worker = new URL('undo-worker.ts', import.meta.url);
  let kills = 0;
  for (let number = 1; ; number++) {
    const place = new Place();
    await place.run([streamOf('t', first, byId)]);
    const before = await place.contents();
    const { loadId } = await place.run([streamOf('t', second, byId), streamOf('u', second, byId)]);
    const after = await place.contents();
    const child = fork(worker, [JSON.stringify(place.options), loadId, String(number)]);
    let finished = false;
    child.on('message', () => {
      finished = true;
    });
    await once(child, 'exit');
    const seen = await place.contents();
    expect([before, after], `killed at step ${number}`).toContainEqual(seen);
    if ((await statusOf(place.destination, loadId)) === 'undone') expect(seen).toEqual(before);
    else {
      expect(seen).toEqual(after);
      await place.undo(loadId);
      expect(await place.contents()).toEqual(before);
    }
    if (finished) break;
    kills++;
  }
  expect(kills).toBeGreaterThanOrEqual(5);
}, 240_000);

test('plumbing undo LOAD_ID --to nessie:, and what plumbing status says then', async () => {
  const place = new Place();
  const { newer } = await twoLoads(place);
  const env = {
    ...process.env,
    NESSIE_URI: server.uri,
    NESSIE_NAMESPACE: place.namespace,
    S3_ACCESS_KEY_ID: 'test',
    S3_SECRET_ACCESS_KEY: 'test',
  };
  const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
  const plumbing = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [main, ...args, '--to', 'nessie:'], { env })).stdout;
  expect(await plumbing('undo', newer)).toMatch(/was taken back[^]*t +1 +1[^]*u +1 +1/);
  expect(await plumbing('status')).toMatch(new RegExp(`undone[^\\n]*${newer}`));
  await expect(plumbing('undo', newer, '--json')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('taken back already') as unknown,
  });
  expect(JSON.parse(await plumbing('status', '--json'))).toMatchObject({
    tables: [
      { table: 't', rows: 2 },
      { table: 'u', rows: 2 },
    ],
  });
});

test('snapshot ids of 64 bits are put back to the last digit', async () => {
  const place = new Place();
  await place.run([streamOf('t', first)]);
  const { api: client, house } = await openNessie(place.options);
  const elements = [place.namespace, 't'];
  const main = await client.reference('main');
  const [entry] = await client.contents.at('main', [elements]);
  if (!main || !entry?.content) throw new Error('there is no table');
  const content = { ...entry.content, snapshotId: 2n ** 62n + 1n } as NessieContent;
  await client.contents.commit(main, 'a large id', [{ elements, content }]);
  expect((await client.contents.at('main', [elements]))[0]?.content).toEqual(content);
  await house.close();
});

function rest(branch = 'main'): { name: string; uri: string; [property: string]: string } {
  return {
    name: 'nessie',
    type: 'rest',
    uri: `${server.uri}/iceberg/${branch}`,
    's3.endpoint': server.s3Endpoint,
    's3.access-key-id': 'test',
    's3.secret-access-key': 'test',
    's3.region': 'us-east-1',
  };
}
