/** Files in a bucket, on a real server that speaks S3, and what becomes of each answer that is no success. */
import { beforeAll, describe, expect, test } from 'vitest';
import { onFailpoint } from '../../src/failpoints/index.ts';
import type { FileIo } from '../../src/iceberg/file-io.ts';
import { resolveIo } from '../../src/iceberg/io-of.ts';
import { s3Io } from '../../src/iceberg/s3-io.ts';
import { cutShort, hang, redirectTo, reply, startChaosServer } from '../../src/testing/index.ts';
import { filesBelow } from './listed.ts';
import { oddNames, optionsFor, text, useS3 } from './s3-fixture.ts';
import { startProxy } from './s3-proxy.ts';

const s3 = useS3();
const { at } = s3;
let io: FileIo;

beforeAll(() => {
  io = s3Io(optionsFor(s3.endpoint));
});

describe('a server with problems', () => {
  const busy = { status: 503, body: '<Error><Code>SlowDown</Code></Error>' };
  test.each<[string, (io: FileIo) => Promise<unknown>]>([
    ['read', (io) => io.read(at('a'))],
    ['readRange', (io) => io.readRange(at('a'), 0, 1)],
    ['write', (io) => io.write(at('b'), text('b'))],
    ['remove', (io) => io.remove(at('a'))],
    ['list', (io) => filesBelow(io, at(''))],
  ])('%s is tried again after 503 and after a broken connection, 4 times in all', async (_name, act) => {
    await io.write(at('a'), text('a'));
    await using healing = await startProxy(s3.endpoint, ({ n }) => {
      if (n === 1) return busy;
      return n === 2 ? 'drop' : 'pass';
    });
    await act(s3Io(optionsFor(healing.endpoint)));
    expect(healing.seen).toHaveLength(3);
    await using down = await startProxy(s3.endpoint, () => busy);
    await expect(act(s3Io(optionsFor(down.endpoint)))).rejects.toMatchObject({
      code: 'DEST_FAILED',
      retryable: true,
      context: { status: 503 },
    });
    const tries = new Set(down.seen).has(`PUT /${s3.bucket}/b`)
      ? down.seen.filter((line) => line.startsWith('PUT'))
      : down.seen;
    expect(tries).toHaveLength(4);
  });

  test.each([
    ['a full disk', 507, 'XMinioStorageFull', 'DEST_FULL', true],
    ['a quota', 403, 'QuotaExceeded', 'DEST_FULL', true],
    ['no access', 403, 'AccessDenied', 'DEST_FAILED', false],
    ['a wrong clock', 403, 'RequestTimeTooSkewed', 'DEST_FAILED', false],
    ['an old token', 400, 'ExpiredToken', 'DEST_FAILED', false],
    ['a store without conditional writes', 501, 'NotImplemented', 'DEST_FAILED', false],
  ])('%s (%i %s) is %s', async (_what, status, s3Code, code, retryable) => {
    await using server = await startChaosServer(reply(status, `<Error><Code>${s3Code}</Code></Error>`));
    await expect(s3Io(optionsFor(server.url)).write(at('a'), text('a'))).rejects.toMatchObject({
      code,
      retryable,
      context: { location: at('a'), status, s3Code },
    });
    expect(server.seen).toHaveLength(1);
  });

  test('silence ends after the timeout', async () => {
    await using server = await startChaosServer(hang());
    const impatient = s3Io({ ...optionsFor(server.url), timeoutMs: 50 });
    await expect(impatient.read(at('a'))).rejects.toMatchObject({ code: 'DEST_FAILED', retryable: true });
    expect(server.seen).toHaveLength(4);
  });

  test('an answer that breaks off is asked for again', async () => {
    await using server = await startChaosServer(cutShort('half'), reply(200, 'whole'));
    expect(await s3Io(optionsFor(server.url)).read(at('a'))).toEqual(text('whole'));
  });

  test('a redirect is not followed, and credentials stay here', async () => {
    await using elsewhere = await startChaosServer(reply(200, 'x'));
    await using server = await startChaosServer(redirectTo(`${elsewhere.url}/${s3.bucket}/a`));
    const moved = s3Io(optionsFor(server.url));
    const refused = { code: 'DEST_FAILED', retryable: false, context: { status: 307 } };
    await expect(moved.read(at('a'))).rejects.toMatchObject(refused);
    await expect(moved.write(at('a'), text('a'))).rejects.toMatchObject(refused);
    expect(elsewhere.seen).toEqual([]);
  });
});

describe('what is not there', () => {
  test('is corruption when something points to it, and fine to remove', async () => {
    const absent = { code: 'DEST_CORRUPT', retryable: false, context: { status: 404 } };
    await expect(io.read(at('a'))).rejects.toMatchObject(absent);
    await expect(io.readRange(at('a'), 0, 1)).rejects.toMatchObject(absent);
    await io.remove(at('a'));
    expect(await filesBelow(io, at('none/'))).toEqual([]);
  });

  test('a bucket that is not there is no empty folder', async () => {
    const wrong = { code: 'DEST_FAILED', retryable: false };
    await expect(filesBelow(io, 's3://no-such-bucket/t/')).rejects.toMatchObject(wrong);
    await expect(io.write('s3://no-such-bucket/a', text('a'))).rejects.toMatchObject(wrong);
    await expect(io.remove('s3://no-such-bucket/a')).rejects.toMatchObject(wrong);
  });

  test('bytes beyond the end are corruption', async () => {
    await io.write(at('a'), text('0123456789'));
    for (const [start, end] of [
      [8, 11],
      [10, 11],
      [50, 60],
    ] as const)
      await expect(io.readRange(at('a'), start, end)).rejects.toMatchObject({ code: 'DEST_CORRUPT' });
    await expect(io.readRange(at('a'), 5, 4)).rejects.toThrow(RangeError);
  });
});

describe('whole files', () => {
  test('ranges, up to the last byte', async () => {
    await io.write(at('a'), text('0123456789'));
    expect(await io.readRange(at('a'), 0, 10)).toEqual(text('0123456789'));
    expect(await io.readRange(at('a'), 9, 10)).toEqual(text('9'));
    expect(await io.readRange(at('a'), 10, 10)).toEqual(new Uint8Array());
    await using server = await startChaosServer(reply(200, '0123456789'));
    expect(await s3Io(optionsFor(server.url)).readRange(at('a'), 2, 4)).toEqual(text('23'));
  });

  test('an empty file', async () => {
    await io.write(at('empty'), new Uint8Array());
    expect(await io.read(at('empty'))).toEqual(new Uint8Array());
    expect(await filesBelow(io, at(''))).toEqual([at('empty')]);
    await io.remove(at('empty'));
    expect(await filesBelow(io, at(''))).toEqual([]);
  });

  test('are told to the failpoint once they are there', async () => {
    const passed: string[] = [];
    const end = onFailpoint((name) => passed.push(name));
    await io.write(at('a'), text('a'));
    await expect(io.write(at('a'), text('a'))).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
    end();
    expect(passed).toEqual(['iceberg.file_written']);
  });
});

describe('names', () => {
  test('odd ones come back as they were given', async () => {
    for (const name of oddNames) await io.write(at(name), text(name));
    for (const name of oddNames) expect(await io.read(at(name))).toEqual(text(name));
    expect((await filesBelow(io, at(''))).toSorted()).toEqual(oddNames.map(at).toSorted());
    expect(await filesBelow(io, at('name=a%20b%2Fc/'))).toEqual([at('name=a%20b%2Fc/x')]);
    for (const name of oddNames) await io.remove(at(name));
    expect(await filesBelow(io, at(''))).toEqual([]);
  });

  test('s3a and s3n mean the same, and lists keep the spelling that was asked with', async () => {
    await io.write(`s3a://${s3.bucket}/t/a`, text('a'));
    expect(await io.read(`s3n://${s3.bucket}/t/a`)).toEqual(text('a'));
    expect(await filesBelow(io, `s3a://${s3.bucket}/t`)).toEqual([`s3a://${s3.bucket}/t/a`]);
  });

  test('a folder is not a prefix of names', async () => {
    for (const key of ['t/a', 't2/b', 'tt']) await io.write(at(key), text(key));
    expect(await filesBelow(io, at('t'))).toEqual([at('t/a')]);
  });

  test.each(['a/../b', './a', 'a/.', '', 'folder/', 'lone \ud800'])('%j is refused', async (key) => {
    await expect(io.write(at(key), text('a'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

test('the scheme decides: a location of none, or of S3 without options, is refused', async () => {
  const both = resolveIo({ s3: optionsFor(s3.endpoint) });
  await both.write(at('a'), text('a'));
  expect(await both.read(at('a'))).toEqual(text('a'));
  expect(await both.readRange(at('a'), 0, 1)).toEqual(text('a'));
  expect(await filesBelow(both, at(''))).toEqual([at('a')]);
  await both.remove(at('a'));
  const invalid = { code: 'CONFIG_INVALID' };
  for (const location of [
    'gs://b/a',
    'https://b/a',
    '/a',
    'a',
    '',
    's3:/b/a',
    's3://b',
    's3:///a',
    'S3://b/a',
  ])
    await expect(both.read(location)).rejects.toMatchObject(invalid);
  await expect(resolveIo({}).read(at('a'))).rejects.toMatchObject(invalid);
  await expect(filesBelow(resolveIo({}), at(''))).rejects.toMatchObject(invalid);
});
