import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  configureLogging,
  getLogger,
  redact,
  redactError,
  redactObject,
  redactUrl,
  Secret,
} from '../../src/logging/index.ts';
import { PlumbingError } from '../../src/errors/index.ts';

describe('a Secret', () => {
  const secret = new Secret('hunter2-canary');

  test('shows itself in no form of output', () => {
    const shown = [
      String(secret),
      secret.toString(),
      JSON.stringify({ secret }),
      inspect({ deep: { secret } }, { depth: 5, showHidden: true }),
      Object.values(secret).join(''),
    ];
    for (const text of shown) expect(text).not.toContain('canary');
    expect(secret.reveal()).toBe('hunter2-canary');
  });
});

describe('redact', () => {
  test.each<[string, (value: string) => string]>([
    ['plain', (value) => value],
    ['URL-encoded', encodeURIComponent],
    ['form-encoded', (value) => new URLSearchParams({ value }).toString().slice('value='.length)],
    ['JSON-escaped', (value) => JSON.stringify(value).slice(1, -1)],
    ['base64', (value) => Buffer.from(value).toString('base64')],
  ])('takes secrets out that are %s', (_form, encode) => {
    const value = 'p&ss "wörd" + x/y=';
    const secret = new Secret(value);
    const text = redact(`before ${encode(secret.reveal())} after`);
    // Of base64 only the characters that no neighbour could change are certain.
    expect(text).toMatch(/^before \[secret\]\S{0,4} after$/);
  });

  test('takes out a PIN of six digits', () => {
    const pin = new Secret('902817');
    expect(redact(`pin=${pin.reveal()}`)).toBe('pin=[secret]');
  });

  test('takes out the longer of two secrets when one holds the other', () => {
    const secrets = [new Secret('abcdef'), new Secret('abcdefghij')];
    expect(redact(`x ${secrets[1]?.reveal()} y`)).not.toMatch(/[c-j]{3}/);
  });

  test('leaves no registered secret in any text', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 8, unit: 'binary' }),
        fc.string(),
        fc.string(),
        (value, before, after) => {
          fc.pre(!'[secret]'.includes(value) && !/^\s*$/.test(value));
          const secret = new Secret(value);
          expect(redact(`${before}${secret.reveal()}${after}`).includes(secret.reveal())).toBe(false);
        },
      ),
    );
  });

  test.each(['DE44999900009975400765', 'DE44 9999 0000 9975 4007 65', 'AT61 1904 3002 3457 3201'])(
    'reduces the IBAN %s to country and last digits',
    (iban) => {
      expect(redact(`to ${iban}.`)).toMatch(/^to [A-Z]{2}….{2}\.$/);
    },
  );

  test('leaves ordinary text alone', () => {
    const text =
      'loaded 1,234 rows of account_transactions__booked in 0.5 s (load 019a0000-0000-7000-8000-000000000001)';
    expect(redact(text)).toBe(text);
  });
});

test('redactUrl drops user-info and masks query values', () => {
  const url = redactUrl('https://user:pass@example.test/list?limit=5&token=abc#frag');
  expect(url).toContain('limit=5');
  expect(url).not.toMatch(/user|pass|abc|frag/);
  expect(redactUrl('no url')).toBe('[invalid URL]');
});

test('objects and errors are redacted to their depths, within bounds', () => {
  const secret = new Secret('deep-canary-value');
  const loop: Record<string, unknown> = { text: `a ${secret.reveal()} b`, list: [secret.reveal()], secret };
  loop['self'] = loop;
  expect(JSON.stringify(redactObject(loop))).not.toContain('canary');
  const error = new PlumbingError('HTTP_NETWORK', `failed with ${secret.reveal()}`, {
    cause: new Error(secret.reveal()),
  });
  expect(JSON.stringify(redactError(error))).not.toContain('canary');
});

test('errors whose fields throw are described without them', () => {
  const fail = (): never => {
    throw new Error('a getter');
  };
  const error = new Error('kept');
  for (const name of ['cause', 'code', 'context']) Object.defineProperty(error, name, { get: fail });
  expect(redactError(error)).toMatchObject({ name: 'Error', message: 'kept' });
  expect(redactObject({ error })).toMatchObject({ error: { message: 'kept' } });
  for (const name of ['name', 'message', 'stack']) Object.defineProperty(error, name, { get: fail });
  expect(redactError(error)).toEqual({ name: 'Error', message: '' });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(redactObject({ proxy, a: 1 })).toEqual({ proxy: '[unreadable]', a: 1 });
});

test('logs are silent until configured, and carry no secret afterwards', async () => {
  const secret = new Secret('log-canary-value');
  const lines: string[] = [];
  getLogger('test').warning('before {value}', { value: secret.reveal() });
  await configureLogging({
    level: 'debug',
    format: 'jsonl',
    stream: { write: (line: string) => lines.push(line) > 0 },
  });
  getLogger('test').warning('after {value} {object}', {
    value: secret.reveal(),
    object: { secret, inner: secret.reveal() },
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('after');
  expect(lines[0]).not.toContain('canary');
});
