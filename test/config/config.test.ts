import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadDotEnv, readConfig, secretVariable, stateFolder } from '../../src/config/index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('readConfig', () => {
  const shape = {
    KEY: secretVariable('the API key'),
    PORT: z.coerce.number().int(),
    NAME: z.string().default('x'),
  };

  test('gives validated values, secrets as secrets', () => {
    const config = readConfig(shape, { KEY: 'key-canary', PORT: '80' });
    expect([config.KEY.reveal(), config.PORT, config.NAME]).toEqual(['key-canary', 80, 'x']);
    expect(inspect(config)).not.toContain('canary');
  });

  test('names all that is wrong at once, and never a value', () => {
    try {
      readConfig({ ...shape, URL: z.url() }, { KEY: '', PORT: 'canary-port', URL: 'canary-url' });
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID', retryable: false });
      const { message } = error as Error;
      expect(message).toMatch(/KEY is not set \(the API key\).*PORT.*URL/);
      expect(message).not.toContain('canary');
      // Only the command reads .env by itself: a program has to be told how.
      expect(message).toMatch(/plumbing command also reads \.env.*--env-file=\.env, or loadDotEnv\(\)/);
    }
  });
});

describe('loadDotEnv', () => {
  test('adds what is not set yet; a missing file is fine', () => {
    const path = join(folder, '.env');
    writeFileSync(path, 'A=file\nB="two words"\n# comment\nC=\n');
    const env: Record<string, string | undefined> = { A: 'mine' };
    loadDotEnv(path, env);
    expect(env).toEqual({ A: 'mine', B: 'two words', C: '' });
    loadDotEnv(join(folder, 'none'), env);
  });

  test('a file that cannot be read is an error that names it', () => {
    const path = join(folder, 'folder.env');
    mkdirSync(path);
    expect(() => loadDotEnv(path, {})).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('folder.env') as string,
      }),
    );
  });
});

test('the state folder is where the user says, else where the platform keeps state', () => {
  expect(stateFolder({ PLUMBING_STATE_DIR: '/x' })).toBe('/x');
  expect(stateFolder({ XDG_STATE_HOME: '/state', LOCALAPPDATA: '/state' })).toBe(join('/state', 'plumbing'));
  expect(stateFolder({})).toMatch(/plumbing$/);
});
