/** The command as users start it: a process of its own, configured by environment variables alone. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunReport } from '../../src/pipeline/index.ts';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox, SandboxOptions } from '../../src/sources/comdirect/sandbox/index.ts';
import { startChaosServer } from '../../src/testing/index.ts';
import type { ChaosServer } from '../../src/testing/index.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
let folder: string;
let bank: ComdirectSandbox | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-cli-'));
});

afterEach(async () => {
  await bank?.close();
  bank = undefined;
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  args: string[],
  env: Record<string, string> = {},
): { child: ChildProcess; result: Promise<Result> } {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      PLUMBING_STATE_DIR: join(folder, 'state'),
      ...bank?.environment,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const result = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, result };
}

const plumbing = (args: string[], env: Record<string, string> = {}): Promise<Result> =>
  start(args, env).result;
const fast = { PLUMBING_REQUESTS_PER_SECOND: '1000', PLUMBING_LOGIN: 'push' };
const toFile = { ...fast, PLUMBING_TO: 'sqlite:bank.db' };

async function open(options: SandboxOptions = {}): Promise<ComdirectSandbox> {
  bank = await startComdirectSandbox({
    approveAfterMs: 50,
    historyDays: 200,
    now: () => new Date('2026-11-23T08:00:00Z'),
    ...options,
  });
  return bank;
}

/** The bank, but for the life of its tokens. */
function startSayingProxy(seconds: number): Promise<ChaosServer> {
  return startChaosServer((response, { method, url, headers, body }) => {
    const { host: _, connection: __, ...rest } = headers;
    const init = { method, headers: rest as Record<string, string>, ...(body !== '' && { body }) };
    void fetch(`${bank?.url}${url}`, init).then(async (answer) => {
      const text = (await answer.text()).replace(/"expires_in":\d+/, `"expires_in":${seconds}`);
      const kept = [...answer.headers].filter(
        ([name]) => !/^(content-length|connection|keep-alive|transfer)/.test(name),
      );
      response.writeHead(answer.status, Object.fromEntries(kept)).end(text);
    });
  });
}

/** All rows, without what differs from run to run. */
function tables(file = join(folder, 'bank.db')): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const names = ['account_balances', 'account_transactions__booked', 'account_transactions__not_booked'];
    return names.map((name) =>
      db
        .prepare(`SELECT * FROM ${name}`)
        .all()
        .map((row) => JSON.stringify({ ...row, _inserted_at_ts: 0, _plumbing_load_id: 0 }))
        .toSorted(),
    );
  } finally {
    db.close();
  }
}

describe('plumbing run comdirect', () => {
  test('loads the bank with nothing but environment variables, and prints one JSON document', async () => {
    await open();
    const { code, stdout, stderr } = await plumbing(['run', 'comdirect', '--json'], toFile);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'Please approve the login in the photoTAN app; waiting ...\n',
    });
    const report = JSON.parse(stdout) as RunReport;
    expect(report).toMatchObject({ status: 'succeeded', pipeline: 'comdirect' });
    expect(report.streams.map(({ inserted }) => inserted > 0)).toEqual([true, true, true]);
    expect(statSync(join(folder, 'bank.db')).mode & 0o777).toBe(0o600);
    const again = JSON.parse((await plumbing(['run', 'comdirect', '--json'], toFile)).stdout) as RunReport;
    expect(again.streams[1]).toMatchObject({ inserted: 0, updated: 0 });
    expect(bank?.login.passwordGrants).toBe(1);
  });

  test('killed in the middle and run again: no row is missing or doubled', async () => {
    await open({ transactionsPerDay: 30 });
    await plumbing(['run', 'comdirect'], { ...fast, PLUMBING_TO: 'sqlite:clean.db' });
    for (const nth of [2, 5, 9, 12]) {
      const file = join(folder, 'bank.db');
      for (const suffix of ['', '-wal', '-shm', '.lock']) rmSync(`${file}${suffix}`, { force: true });
      bank?.clearFaults();
      bank?.inject({ kind: 'hang', path: '/transactions', nth });
      const seen = bank?.requests.length ?? 0;
      const { child, result } = start(['run', 'comdirect', '--checkpoint-rows', '400'], toFile);
      // The request that hangs was seen: everything before it is under way, nothing after it.
      await expect
        .poll(() => bank?.requests.slice(seen).filter(({ url }) => url.includes('/transactions')).length, {
          timeout: 20_000,
        })
        .toBe(nth);
      child.kill('SIGKILL');
      await result;
      bank?.clearFaults();
      expect((await plumbing(['run', 'comdirect'], toFile)).code).toBe(0);
      expect(tables()).toEqual(tables(join(folder, 'clean.db')));
    }
  }, 90_000);

  test('goes on when the token expires in the middle', async () => {
    await open({ transactionsPerDay: 30 });
    bank?.inject({ kind: 'expired-token', path: '/transactions', nth: 4 });
    const { code, stdout } = await plumbing(['run', 'comdirect', '--json'], toFile);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as RunReport).status).toBe('succeeded');
    expect(bank?.login).toMatchObject({ refreshGrants: 1, passwordGrants: 1 });
  });

  test('without a token and without a person: exit code 3, and nothing is sent', async () => {
    await open();
    const { code, stdout } = await plumbing(['run', 'comdirect', '--json'], {
      ...toFile,
      PLUMBING_LOGIN: 'never',
    });
    expect(code).toBe(3);
    expect((JSON.parse(stdout) as RunReport).streams[0]?.error).toMatchObject({
      code: 'AUTH_NEEDS_PERSON',
      message: expect.stringContaining('plumbing auth comdirect login') as string,
    });
    expect(bank?.requests).toHaveLength(0);
  });

  test('with a wrong PIN: one try for all streams, exit code 3, no secret in any output', async () => {
    await open();
    const { code, stdout, stderr } = await plumbing(['--log-level', 'debug', 'run', 'comdirect', '--json'], {
      ...toFile,
      COMDIRECT_PASSWORD: 'wrong-pin-canary',
    });
    expect(code).toBe(3);
    expect(bank?.login.passwordGrants).toBe(1);
    expect(`${stdout}${stderr}`).not.toMatch(/wrong-pin-canary|sandbox-client-secret/);

    // A schedule goes on and on; the bank would lock the account.
    const again = await plumbing(['run', 'comdirect'], { ...toFile, COMDIRECT_PASSWORD: 'wrong-pin-canary' });
    expect(again.code).toBe(3);
    expect(bank?.login.passwordGrants).toBe(1);
    expect((await plumbing(['run', 'comdirect'], toFile)).code).toBe(0);
  });

  test('with --login push a push TAN is asked for, whatever method the person likes best', async () => {
    await open({ tanMethods: ['M_TAN', 'P_TAN_PUSH'] });

    expect((await plumbing(['run', 'comdirect'], toFile)).code).toBe(0);
  });

  test('a login without a terminal sends no TAN that nobody could type in', async () => {
    await open({ tanMethods: ['M_TAN', 'P_TAN_PUSH'] });

    expect((await plumbing(['auth', 'comdirect', 'login', '--tan-method', 'M_TAN'])).code).toBe(3);
    expect(bank?.login.passwordGrants).toBe(0);
    expect((await plumbing(['auth', 'comdirect', 'login'])).code).toBe(0);
  });

  test('SIGINT in the middle: exit code 130, and the next run completes', async () => {
    await open({ transactionsPerDay: 30 });
    bank?.inject({ kind: 'hang', path: '/transactions', nth: 3 });
    const { child, result } = start(['run', 'comdirect'], toFile);
    await expect
      .poll(() => bank?.requests.filter(({ url }) => url.includes('/transactions')).length, {
        timeout: 20_000,
      })
      .toBe(3);
    child.kill('SIGINT');
    expect(await result).toMatchObject({ code: 130 });
    bank?.clearFaults();
    expect((await plumbing(['run', 'comdirect'], toFile)).code).toBe(0);
  });

  test('--streams and --since choose what is read', async () => {
    await open();
    const { stdout } = await plumbing(
      ['run', 'comdirect', '--json', '--streams', 'account_transactions__booked', '--since', '2026-11-01'],
      toFile,
    );
    const report = JSON.parse(stdout) as RunReport;
    expect(report.streams.map(({ stream }) => stream)).toEqual(['account_transactions__booked']);
    const db = new DatabaseSync(join(folder, 'bank.db'), { readOnly: true });
    const oldest = db.prepare('SELECT min(booking_date) AS oldest FROM account_transactions__booked').get()?.[
      'oldest'
    ];
    db.close();
    expect((oldest as string) >= '2026-11-01').toBe(true);
  });
});

describe('usage', () => {
  test.each([
    [['run'], /missing required argument/],
    [['run', 'comdirect', '--since', 'yesterday'], /expected a date/],
    [['run', 'nothing.ts'], /nothing\.ts/],
    [['run', 'comdirect', '--to', 'ftp:x'], /expected sqlite:FILE, iceberg:FOLDER or nessie:/],
    [['status', '--to', 'nessie:'], /NESSIE_URI/],
    [['frobnicate'], /unknown command/],
  ])('%j: exit code 2 and a reason', async (args, reason) => {
    await open();
    const { code, stderr } = await plumbing(args, fast);
    expect(stderr).toMatch(reason);
    expect(code).toBe(2);
  });

  test.each(['typed.ts', 'plain.mjs'])('a Node that runs no TypeScript is told as such: %s', async (file) => {
    writeFileSync(join(folder, 'typed.ts'), 'const n: number = 1; export default n;');
    writeFileSync(join(folder, 'plain.mjs'), "export { default } from './typed.ts';");
    const { code, stderr } = await plumbing(['run', file], { NODE_OPTIONS: '--no-experimental-strip-types' });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      new RegExp(
        `CONFIG_INVALID: ${file}: this Node .* runs no TypeScript; use Node 22.18 .*\\.mjs or \\.js`,
      ),
    );
  });

  test('missing variables are named, all at once', async () => {
    const { code, stderr } = await plumbing(['run', 'comdirect', '--to', 'sqlite:x.db']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/COMDIRECT_CLIENT_ID.*COMDIRECT_PASSWORD/s);
    expect(existsSync(join(folder, 'x.db'))).toBe(false);
  });

  test('a .env file is read, and the environment wins over it', async () => {
    await open();
    const { COMDIRECT_BASE_URL = '', ...rest } = bank?.environment ?? {};
    writeFileSync(
      join(folder, '.env'),
      Object.entries({ ...rest, COMDIRECT_BASE_URL: 'https://wrong.example', PLUMBING_TO: 'sqlite:bank.db' })
        .map(([name, value]) => `${name}=${value}`)
        .join('\n'),
    );
    const child = spawn(process.execPath, [main, 'run', 'comdirect', '--streams', 'account_balances'], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        PLUMBING_STATE_DIR: join(folder, 'state'),
        COMDIRECT_BASE_URL,
        ...fast,
      },
      stdio: 'ignore',
    });
    expect((await once(child, 'close'))[0]).toBe(0);
  });

  test.each([
    [[]],
    [['run']],
    [['status']],
    [['sandbox', 'comdirect']],
    [['auth', 'comdirect', 'login']],
    [['auth', 'comdirect', 'keep-alive']],
    [['quarantine', 'replay']],
  ])('plumbing %j --help shows an example', async (args) => {
    const { code, stdout } = await plumbing([...args, '--help']);
    expect(code).toBe(0);
    if (args.length > 0) expect(stdout).toMatch(/Examples?:\n {2}\$ plumbing/);
  });
});

describe('plumbing auth comdirect', () => {
  test('login, status, refresh, logout', async () => {
    await open();
    expect((await plumbing(['auth', 'comdirect', 'status'])).code).toBe(3);
    const login = await plumbing(['auth', 'comdirect', 'login']);
    expect(login).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Logged in; the token is valid for \d+ s/) as string,
    });
    expect((await plumbing(['auth', 'comdirect', 'status'])).stdout).toMatch(
      /A token is stored.*\nOpen TAN challenges: 0\./,
    );
    expect((await plumbing(['auth', 'comdirect', 'refresh'])).code).toBe(0);
    expect(bank?.login.refreshGrants).toBe(1);
    expect((await plumbing(['auth', 'comdirect', 'logout'])).stdout).toBe('Logged out.\n');
    expect((await plumbing(['auth', 'comdirect', 'status'])).code).toBe(3);
  });

  test('keep-alive refreshes before the token dies, until told to stop', async () => {
    await open({ accessTokenSeconds: 5, now: () => new Date() });
    await plumbing(['auth', 'comdirect', 'login']);
    const { child, result } = start(['auth', 'comdirect', 'keep-alive']);
    await expect.poll(() => bank?.login.refreshGrants, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    child.kill('SIGTERM');
    expect(await result).toMatchObject({ code: 0 });
    expect((await plumbing(['auth', 'comdirect', 'refresh'])).code).toBe(0);
  });

  test('keep-alive goes on after a failure that passes', async () => {
    await open({ accessTokenSeconds: 5, now: () => new Date() });
    await plumbing(['auth', 'comdirect', 'login']);
    bank?.inject({ kind: 'status', status: 503, path: '/oauth/token', times: 1 });
    const { child, result } = start(['auth', 'comdirect', 'keep-alive']);
    await expect.poll(() => bank?.login.refreshGrants, { timeout: 25_000 }).toBeGreaterThanOrEqual(2);
    child.kill('SIGTERM');
    const { code, stderr } = await result;
    expect(code).toBe(0);
    expect(stderr).toMatch(/HTTP_STATUS.*503.*trying again/);
  }, 40_000);

  test('logout ends the session also when the access token has died before', async () => {
    await open({ accessTokenSeconds: 600 });
    await plumbing(['auth', 'comdirect', 'login']);
    bank?.advance(700_000);
    const { code, stdout, stderr } = await plumbing(['auth', 'comdirect', 'logout']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'Logged out.\n', stderr: '' });
    // The access token was refused, its successor was revoked with all that belongs to it.
    const calls = bank?.requests.map(({ method, path }) => `${method} ${path}`).slice(-3);
    expect(calls).toEqual(['DELETE /oauth/revoke', 'POST /oauth/token', 'DELETE /oauth/revoke']);
  });

  test.each([0, 1e12])(
    'keep-alive neither spins nor storms when the bank says that a token lives for %d s',
    async (seconds) => {
      await open({ accessTokenSeconds: 600, now: () => new Date() });
      // Without a word of the bank the token lives on: only what it says differs.
      const said = await startSayingProxy(seconds);
      const env = { COMDIRECT_BASE_URL: said.url };
      try {
        expect((await plumbing(['auth', 'comdirect', 'login'], env)).code).toBe(0);
        const { child, result } = start(['auth', 'comdirect', 'keep-alive'], env);
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        child.kill('SIGTERM');
        expect(await result).toMatchObject({ code: 0, stderr: '' });
        expect(bank?.login.refreshGrants).toBe(0);
      } finally {
        await said.close();
      }
    },
  );

  test('the fourth open challenge is refused before anything is sent, until the count is reset', async () => {
    await open({ approval: 'reject' });
    for (let i = 0; i < 3; i++) expect((await plumbing(['auth', 'comdirect', 'login'])).code).toBe(1);
    const before = bank?.requests.length;
    const { code, stderr } = await plumbing(['auth', 'comdirect', 'login']);
    expect({ code, requests: bank?.requests.length }).toEqual({ code: 3, requests: before });
    expect(stderr).toContain('reset-challenges');
    expect((await plumbing(['auth', 'comdirect', 'reset-challenges'])).code).toBe(0);
    expect((await plumbing(['auth', 'comdirect', 'login'])).code).toBe(1);
    expect(bank?.login.locked).toBe(false);
  });

  test('a TAN that needs typing needs a terminal', async () => {
    await open();
    const { code, stderr } = await plumbing(['auth', 'comdirect', 'login', '--tan-method', 'M_TAN']);
    expect(code).toBe(3);
    expect(stderr).toContain('AUTH_NEEDS_PERSON');
  });
});

describe('plumbing undo', () => {
  const rows = (): unknown => {
    const db = new DatabaseSync(join(folder, 'bank.db'), { readOnly: true });
    const names = ['account_balances', 'account_transactions__booked', '_plumbing_state'];
    const all = names.map((name) =>
      db
        .prepare(`SELECT * FROM ${name}`)
        .all()
        .map((row) => JSON.stringify(row))
        .toSorted(),
    );
    db.close();
    return all;
  };
  const run = async (...args: string[]): Promise<string> =>
    (
      JSON.parse(
        (await plumbing(['run', 'comdirect', '--json', ...args], { ...toFile, SQLITE_UNDO_LOADS: '2' }))
          .stdout,
      ) as RunReport
    ).loadId;

  test('takes back a run, says what it did, and status shows it; the next run reads again', async () => {
    await open();
    await run('--since', '2026-11-01');
    const db = new DatabaseSync(join(folder, 'bank.db'));
    db.exec(
      "UPDATE account_balances SET iban = 'as it was'; UPDATE account_transactions__booked SET amount__unit = 'DEM'",
    );
    db.exec('DELETE FROM account_transactions__booked WHERE rowid % 3 = 0');
    db.close();
    const before = rows();
    const loadId = await run();
    const after = tables();
    expect(rows()).not.toEqual(before);
    const undone = await plumbing(['undo', loadId], toFile);
    expect(undone).toMatchObject({ code: 0, stderr: '' });
    expect(undone.stdout).toMatch(/was taken back.*account_balances +\d+ +\d+/s);
    expect(rows()).toEqual(before);
    expect((await plumbing(['status'], toFile)).stdout).toMatch(new RegExp(`undone .*${loadId}`));
    await run();
    expect(tables()).toEqual(after);
    const again = await plumbing(['undo', loadId, '--json'], toFile);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/UNDO_REFUSED.*done already/);
    expect(JSON.parse(again.stdout)).toMatchObject({ status: 'failed', error: { code: 'UNDO_REFUSED' } });
  });

  test('without SQLITE_UNDO_LOADS at the time of the run it is refused; of a file that is not there none is made', async () => {
    await open();
    const report = JSON.parse((await plumbing(['run', 'comdirect', '--json'], toFile)).stdout) as RunReport;
    const { code, stderr } = await plumbing(['undo', report.loadId], toFile);
    expect(code).toBe(1);
    expect(stderr).toMatch(/UNDO_REFUSED.*SQLITE_UNDO_LOADS/);
    expect((await plumbing(['undo', report.loadId, '--to', 'sqlite:none.db'])).code).toBe(1);
    expect(existsSync(join(folder, 'none.db'))).toBe(false);
    const wrong = await plumbing(['status'], { ...toFile, SQLITE_UNDO_LOADS: 'many' });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('SQLITE_UNDO_LOADS') });
  });
});

describe('plumbing run my-pipeline.ts, status, quarantine', () => {
  const pipeline = (schema: string, rows: string): string =>
    `
    import { z } from 'zod';
    import { defineSource, defineStream, definePipeline, rowCount } from ${JSON.stringify(fileURLToPath(new URL('../../dist/index.js', import.meta.url)))};
    import { sqlite } from ${JSON.stringify(fileURLToPath(new URL('../../dist/destinations/sqlite/index.js', import.meta.url)))};
    const things = defineStream({ name: 'things', schema: z.object({ id: z.int(), size: ${schema} }), primaryKey: ['id'],
      async *read() { yield ${rows}; } });
    export default definePipeline({ source: defineSource({ name: 'mine', streams: [things] }), destination: sqlite('mine.db') });
  `.replace("from 'zod'", `from ${JSON.stringify(fileURLToPath(import.meta.resolve('zod')))}`);

  test('rows that did not fit are listed, and stored by a replay once the schema is mended', async () => {
    const rows = '[{ id: 1, size: 5 }, { id: 2, size: "large" }]';
    writeFileSync(join(folder, 'one.mjs'), pipeline('z.int()', rows));
    const first = await plumbing(['run', 'one.mjs', '--json']);
    expect(JSON.parse(first.stdout)).toMatchObject({ streams: [{ inserted: 1, quarantined: 1 }] });
    expect((await plumbing(['status', '--to', 'sqlite:mine.db'])).stdout).toMatch(/things\s+1\s+1/);
    expect((await plumbing(['quarantine', 'list', '--to', 'sqlite:mine.db'])).stdout).toMatch(
      /things.*size:/s,
    );
    writeFileSync(
      join(folder, 'two.mjs'),
      pipeline('z.union([z.int(), z.string()]).transform(String).meta({ logicalType: "string" })', rows),
    );
    const replay = await plumbing(['quarantine', 'replay', 'two.mjs', '--json']);
    expect(replay).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(replay.stdout)).toEqual([
      { stream: 'things', replayed: 1, superseded: 0, remaining: 0 },
    ]);
    expect((await plumbing(['quarantine', 'list', '--to', 'sqlite:mine.db'])).stdout).toContain('empty');
    const db = new DatabaseSync(join(folder, 'mine.db'), { readOnly: true });
    expect(
      db
        .prepare('SELECT id, size FROM things ORDER BY id')
        .all()
        .map((row) => ({ ...row })),
    ).toEqual([
      { id: 1, size: '5' },
      { id: 2, size: 'large' },
    ]);
    db.close();
  });

  test('status of a database that does not exist says so, and makes none', async () => {
    const { code, stderr } = await plumbing(['status', '--to', 'sqlite:none.db']);
    expect(code).toBe(1);
    expect(stderr).toContain('none.db');
    expect(existsSync(join(folder, 'none.db'))).toBe(false);
  });
});

test('plumbing sandbox comdirect prints the variables of a bank that answers, and ends on SIGTERM', async () => {
  const { child, result } = start(['sandbox', 'comdirect', '--port', '0', '--json']);
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const variables = JSON.parse(line.toString()) as Record<string, string>;
  expect((await fetch(`${variables['COMDIRECT_BASE_URL']}/sandbox/state`)).status).toBe(200);
  const { code } = await plumbing(
    ['run', 'comdirect', '--to', 'sqlite:bank.db', '--streams', 'account_balances'],
    { ...variables, ...fast },
  );
  expect(code).toBe(0);
  child.kill('SIGTERM');
  expect((await result).code).toBe(0);
  expect(readFileSync(join(folder, 'bank.db')).subarray(0, 15).toString()).toBe('SQLite format 3');
});
