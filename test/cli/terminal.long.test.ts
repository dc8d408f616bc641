/** A login at a terminal: Python's `pty` makes one, and passes on what is typed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';
import type { ComdirectSandbox } from '../../src/sources/comdirect/sandbox/index.ts';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Runs a command at a terminal of its own, and ends as it ends. */
const atTerminal =
  'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], stdin_read=lambda fd: os.read(fd, 1024) or b"\\x00")))';
const tan = '271828';
let bank: ComdirectSandbox;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-terminal-'));
  bank = await startComdirectSandbox({ tan, approveAfterMs: 50 });
});

afterEach(async () => {
  await bank.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Result {
  readonly code: number | null;
  readonly shown: string;
}

/** Types `keys` when the terminal shows `prompt`. */
async function typing(args: readonly string[], prompt: string, keys: string): Promise<Result> {
  mkdirSync(join(folder, 'tmp'), { recursive: true });
  const child = spawn('python3', ['-c', atTerminal, process.execPath, main, ...args], {
    env: {
      PATH: process.env['PATH'],
      TMPDIR: join(folder, 'tmp'),
      PLUMBING_STATE_DIR: join(folder, 'state'),
      ...bank.environment,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  let typed = false;
  child.stdout.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (typed || !shown.includes(prompt)) return;
    typed = true;
    child.stdin.write(keys);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, shown };
}

const login = (method: string): string[] => ['auth', 'comdirect', 'login', '--tan-method', method];

test.each(['P_TAN', 'M_TAN'])(
  'a TAN of %s that is typed logs in, and its graphic is gone',
  async (method) => {
    const { code, shown } = await typing(login(method), 'TAN: ', `${tan}\r`);

    expect(shown).toContain('Logged in; the token is valid');
    expect(code).toBe(0);
    expect(shown.includes('photo-tan.png')).toBe(method === 'P_TAN');
    expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
  },
);

test('a wrong one is sent once, and counts', async () => {
  const { code, shown } = await typing(login('M_TAN'), 'TAN: ', '999999\r');

  expect(shown).toContain('AUTH_CHALLENGE_FAILED');
  expect(code).toBe(1);
  const status = await typing(['auth', 'comdirect', 'status'], 'never shown', '');
  expect(status.shown).toContain('Open TAN challenges: 1.');
});

test('Ctrl-D is no answer: nothing is sent', async () => {
  const { code, shown } = await typing(login('P_TAN'), 'TAN: ', '\x04');

  expect(shown).toContain('nobody answered, so nothing was sent');
  expect(code).toBe(1);
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
});

test('Ctrl-C ends the login', async () => {
  const { code } = await typing(login('P_TAN'), 'TAN: ', '\x03');

  expect(code).toBe(130);
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
});
