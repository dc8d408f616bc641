/** Credentials: a real server checks every signature, and nothing shows them. */
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startS3 } from '../../scripts/services/s3.ts';
import type { S3Service } from '../../scripts/services/s3.ts';
import { s3Io } from '../../src/iceberg/s3-io.ts';
import type { S3Options } from '../../src/iceberg/s3-io.ts';
import { checkS3Options, objectUrl } from '../../src/iceberg/s3-location.ts';
import { configureLogging, redactError } from '../../src/logging/index.ts';
import { dropConnection, redirectTo, reply, startChaosServer } from '../../src/testing/index.ts';
import { filesBelow, filled } from './listed.ts';
import { admin, credentials, oddNames, optionsFor, text } from './s3-fixture.ts';
import { startProxy } from './s3-proxy.ts';

describe('credentials', () => {
  let strict: S3Service;
  let keys: { accessKeyId: string; secretAccessKey: string };

  beforeAll(async () => {
    strict = await startS3();
    await admin(strict.endpoint, 'PUT', 'strict');
    const iam = new AwsClient({ ...credentials, service: 'iam' });
    const ask = async (parameters: Record<string, string>): Promise<string> => {
      const body = new URLSearchParams({ Version: '2010-05-08', UserName: 'me', ...parameters }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const response = await iam.fetch(strict.endpoint, { method: 'POST', body, headers });
      expect(response.status).toBe(200);
      return response.text();
    };
    await ask({ Action: 'CreateUser' });
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    };
    await ask({ Action: 'PutUserPolicy', PolicyName: 'all', PolicyDocument: JSON.stringify(policy) });
    const made = await ask({ Action: 'CreateAccessKey' });
    keys = {
      accessKeyId: /<AccessKeyId>([^<]+)/.exec(made)?.[1] ?? '',
      secretAccessKey: /<SecretAccessKey>([^<]+)/.exec(made)?.[1] ?? '',
    };
    // From here on, the server checks signatures.
    await fetch(`${strict.endpoint}/moto-api/reset-auth`, { method: 'POST', body: '0' });
  }, 120_000);
  afterAll(() => strict.close());

  test('right ones are accepted', async () => {
    const mine = s3Io({ ...optionsFor(strict.endpoint), ...keys });
    for (const name of oddNames) {
      const location = `s3://strict/${name}`;
      await mine.write(location, text(name));
      expect(await mine.read(location)).toEqual(text(name));
      expect(await mine.readRange(location, 0, 1)).toEqual(text(name).slice(0, 1));
    }
    expect(await filesBelow(mine, 's3://strict/')).toHaveLength(oddNames.length);
    await mine.write('s3://strict/big', filled(33));
    for (const name of [...oddNames, 'big']) await mine.remove(`s3://strict/${name}`);
    expect(await filesBelow(mine, 's3://strict/')).toEqual([]);
  });

  test.each(['accessKeyId', 'secretAccessKey'])('a wrong %s is refused at once', async (name) => {
    await using proxy = await startProxy(strict.endpoint, () => 'pass');
    const wrong = s3Io({ ...optionsFor(proxy.endpoint), ...keys, [name]: 'canary-wrong' });
    await expect(wrong.write('s3://strict/a', text('a'))).rejects.toMatchObject({
      code: 'DEST_FAILED',
      retryable: false,
      context: { status: 403 },
      message: expect.stringContaining('check the credentials'),
    });
    expect(proxy.seen).toHaveLength(1);
  });

  test('a session token is sent, and signed', async () => {
    await using server = await startChaosServer(reply(200, 'x'));
    await s3Io({ ...optionsFor(server.url), sessionToken: 'token/+=' }).read('s3://bucket/a');
    expect(server.seen[0]?.headers).toMatchObject({
      'x-amz-security-token': 'token/+=',
      authorization: expect.stringMatching(/SignedHeaders=[^,]*x-amz-security-token/),
    });
  });

  test('are in no error, no log, and nothing that is printed', async () => {
    const logged: string[] = [];
    const stream = { write: (line: string) => logged.push(line) };
    await configureLogging({ level: 'trace', format: 'jsonl', stream });
    const bytes = randomBytes(8);
    const echo = (status: number) => reply(status, '<Error><Code>canary-id canary-secret</Code></Error>');
    for (const answer of [
      echo(403),
      echo(500),
      echo(400),
      dropConnection(),
      redirectTo('http://canary-id/'),
    ]) {
      await using server = await startChaosServer(answer);
      const secretive = s3Io({ ...optionsFor(server.url), sessionToken: 'canary-token' });
      const failures = await Promise.allSettled([
        secretive.read('s3://bucket/a'),
        secretive.write('s3://bucket/a', bytes),
        filesBelow(secretive, 's3://bucket/'),
      ]);
      const shown = [inspect(secretive, { depth: 10, showHidden: true }), ...logged];
      for (const failure of failures) {
        expect(failure.status).toBe('rejected');
        const error: unknown = failure.status === 'rejected' ? failure.reason : undefined;
        shown.push(
          inspect(error, { depth: 10, showHidden: true }),
          JSON.stringify([error, redactError(error)]),
        );
      }
      expect(shown.join('\n')).not.toContain('canary');
    }
    expect(logged.join('')).toContain('attempt 2 follows');
    await configureLogging({ level: 'fatal' });
  });

  test.each<[string, Partial<S3Options>]>([
    ['an empty key', { accessKeyId: '' }],
    ['a key with a line break', { secretAccessKey: 'canary\n' }],
    ['a token with a space', { sessionToken: 'canary token' }],
    ['no region', { region: '' }],
    ['a region that is a host', { region: 'evil.example/' }],
    ['an endpoint with credentials', { endpoint: 'https://canary:canary@host' }],
    ['an endpoint with a query', { endpoint: 'https://host?canary' }],
    ['an endpoint that is none', { endpoint: 'canary' }],
    ['an endpoint that is a file', { endpoint: 'file:///canary' }],
    ['a timeout that is none', { timeoutMs: Number.NaN }],
  ])('%s: refused without repeating it', (_what, options) => {
    let error: unknown;
    try {
      s3Io({ ...credentials, ...options });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(inspect(error)).not.toContain('canary');
  });
});

test.each<[Partial<S3Options>, string, string]>([
  [{ region: 'eu-central-1' }, 'lake', 'https://lake.s3.eu-central-1.amazonaws.com/a%3D1/%25'],
  [{ region: 'cn-north-1' }, 'lake', 'https://lake.s3.cn-north-1.amazonaws.com.cn/a%3D1/%25'],
  [{ region: 'eu-central-1' }, 'my.lake', 'https://s3.eu-central-1.amazonaws.com/my.lake/a%3D1/%25'],
  [{ pathStyle: true }, 'lake', 'https://s3.us-east-1.amazonaws.com/lake/a%3D1/%25'],
  [{ endpoint: 'http://[::1]:9000' }, 'lake', 'http://[::1]:9000/lake/a%3D1/%25'],
  [{ endpoint: 'https://h.example/storage/s3/' }, 'lake', 'https://h.example/storage/s3/lake/a%3D1/%25'],
  [{ endpoint: 'https://h.example', pathStyle: false }, 'lake', 'https://lake.h.example/a%3D1/%25'],
])('%j and the bucket %s make %s', (options, name, url) => {
  expect(objectUrl(checkS3Options({ ...credentials, ...options }), name, 'a=1/%').href).toBe(url);
});

test('a bucket that can not be in a host name is refused', () => {
  const access = checkS3Options({ ...credentials, endpoint: 'http://127.0.0.1', pathStyle: false });
  expect(() => objectUrl(access, 'lake', 'a')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});
