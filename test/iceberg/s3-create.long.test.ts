/** Objects are created once, on a real server that speaks S3, behind a network that loses answers. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { FileIo } from '../../src/iceberg/file-io.ts';
import { s3Io } from '../../src/iceberg/s3-io.ts';
import { filesBelow, filled } from './listed.ts';
import { admin, optionsFor, text, useS3 } from './s3-fixture.ts';
import { startProxy } from './s3-proxy.ts';

const s3 = useS3();
const { at } = s3;
let io: FileIo;

beforeAll(() => {
  io = s3Io(optionsFor(s3.endpoint));
});

const isComplete = ({ method, url }: { method: string; url: string }): boolean =>
  method === 'POST' && url.includes('uploadId=');

const unfinishedUploads = async (): Promise<number> =>
  (await admin(s3.endpoint, 'GET', `${s3.bucket}?uploads=`)).split('<Upload>').length - 1;

describe('an object that exists already', () => {
  test('is left as it is', async () => {
    await io.write(at('t/a'), text('first'));
    await expect(io.write(at('t/a'), text('first'))).rejects.toMatchObject({
      code: 'COMMIT_CONFLICT',
      retryable: false,
      context: { location: at('t/a'), status: 412 },
    });
    expect(await io.read(at('t/a'))).toEqual(text('first'));
  });

  test('is left as it is by an upload in parts, of which nothing stays behind', async () => {
    await io.write(at('t/a'), text('first'));
    await expect(io.write(at('t/a'), filled(33))).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
    expect(await io.read(at('t/a'))).toEqual(text('first'));
    expect(await unfinishedUploads()).toBe(0);
  });
});

describe('a lost answer', () => {
  test('of a write that has landed is no conflict', async () => {
    await using proxy = await startProxy(s3.endpoint, ({ n }) => (n === 1 ? 'lose' : 'pass'));
    await s3Io(optionsFor(proxy.endpoint)).write(at('t/a'), text('once'));
    expect(proxy.seen).toEqual([
      `PUT /${s3.bucket}/t/a`,
      `PUT /${s3.bucket}/t/a`, // 412
      `HEAD /${s3.bucket}/t/a`,
    ]);
    expect(await io.read(at('t/a'))).toEqual(text('once'));
  });

  test('of every try still counts as success when the object is there', async () => {
    await using proxy = await startProxy(s3.endpoint, ({ method }) => (method === 'PUT' ? 'lose' : 'pass'));
    await s3Io(optionsFor(proxy.endpoint)).write(at('t/a'), text('once'));
    expect(proxy.seen.map((line) => line.split(' ')[0])).toEqual(['PUT', 'PUT', 'PUT', 'PUT', 'HEAD']);
  });

  test.each(['another object is there', 'nobody can tell'])(
    'of every try is a failure when %s',
    async (what) => {
      await io.write(at('t/a'), text('theirs'));
      const isDown = what === 'nobody can tell';
      await using proxy = await startProxy(s3.endpoint, ({ method }) =>
        method === 'PUT' || isDown ? 'drop' : 'pass',
      );
      await expect(s3Io(optionsFor(proxy.endpoint)).write(at('t/a'), text('mine'))).rejects.toMatchObject({
        code: 'DEST_FAILED',
        retryable: true,
      });
      expect(await io.read(at('t/a'))).toEqual(text('theirs'));
    },
  );

  test('of a store that keeps no metadata is settled by the content', async () => {
    const hide = ['x-amz-meta-plumbing-write'];
    await using proxy = await startProxy(s3.endpoint, ({ n }) => (n === 1 ? 'lose' : 'pass'), hide);
    await s3Io(optionsFor(proxy.endpoint)).write(at('t/a'), text('once'));
    expect(proxy.seen.at(-1)).toBe(`GET /${s3.bucket}/t/a`);
  });

  test.each(['other', 'longer', 'equal'])(
    'is a conflict when another writer was faster with %s bytes',
    async (kind) => {
      const theirs = kind === 'equal' ? 'mine.' : kind;
      const hide = kind === 'equal' ? [] : ['x-amz-meta-plumbing-write'];
      await using proxy = await startProxy(
        s3.endpoint,
        async ({ n }) => {
          if (n > 1) return 'pass';
          await io.write(at('t/a'), text(theirs));
          return 'drop';
        },
        hide,
      );
      await expect(s3Io(optionsFor(proxy.endpoint)).write(at('t/a'), text('mine.'))).rejects.toMatchObject({
        code: 'COMMIT_CONFLICT',
      });
      expect(await io.read(at('t/a'))).toEqual(text(theirs));
    },
  );

  test('and a first try still at work on the other side: waits for it to end', async () => {
    await using proxy = await startProxy(s3.endpoint, ({ n }) => {
      if (n === 1) return 'drop';
      return n === 2
        ? { status: 409, body: '<Error><Code>ConditionalRequestConflict</Code></Error>' }
        : 'pass';
    });
    await s3Io(optionsFor(proxy.endpoint)).write(at('t/a'), text('once'));
    expect(proxy.seen.map((line) => line.split(' ')[0])).toEqual(['PUT', 'PUT', 'HEAD', 'PUT']);
    expect(await io.read(at('t/a'))).toEqual(text('once'));
  });

  test('a 409 on the first try is a conflict only where another object is there', async () => {
    await using proxy = await startProxy(s3.endpoint, ({ n }) => (n === 1 ? { status: 409 } : 'pass'));
    await s3Io(optionsFor(proxy.endpoint)).write(at('t/a'), text('a'));
    expect(proxy.seen.map((line) => line.split(' ')[0])).toEqual(['PUT', 'HEAD', 'PUT']);
    expect(await io.read(at('t/a'))).toEqual(text('a'));

    await using other = await startProxy(s3.endpoint, ({ n }) => (n === 1 ? { status: 409 } : 'pass'));
    await expect(s3Io(optionsFor(other.endpoint)).write(at('t/a'), text('b'))).rejects.toMatchObject({
      code: 'COMMIT_CONFLICT',
    });
    expect(await io.read(at('t/a'))).toEqual(text('a'));
  });

  test('at the end of an upload in parts is no failure', async () => {
    let completions = 0;
    await using proxy = await startProxy(s3.endpoint, (passing) =>
      isComplete(passing) && ++completions === 1 ? 'lose' : 'pass',
    );
    const bytes = filled(33);
    await s3Io(optionsFor(proxy.endpoint)).write(at('t/big'), bytes);
    expect(completions).toBe(2);
    expect(Buffer.compare(await io.read(at('t/big')), bytes)).toBe(0);
  });

  test('and a store that has forgotten the upload: the object tells', async () => {
    let completions = 0;
    await using proxy = await startProxy(s3.endpoint, (passing) => {
      if (!isComplete(passing)) return 'pass';
      return ++completions === 1 ? 'lose' : { status: 404, body: '<Error><Code>NoSuchUpload</Code></Error>' };
    });
    await s3Io(optionsFor(proxy.endpoint)).write(at('t/big'), filled(33));
    expect((await io.read(at('t/big'))).byteLength).toBe(33 * 1024 * 1024);
  });
});

describe('an upload in parts', () => {
  test('parts that can not be stored: the upload is given up, nothing stays behind', async () => {
    await using proxy = await startProxy(s3.endpoint, ({ url }) =>
      url.includes('partNumber=3&') ? { status: 403, body: '' } : 'pass',
    );
    await expect(s3Io(optionsFor(proxy.endpoint)).write(at('big'), filled(33))).rejects.toMatchObject({
      code: 'DEST_FAILED',
      retryable: false,
    });
    expect(proxy.seen.at(-1)).toMatch(/^DELETE .*uploadId=/);
    expect(await unfinishedUploads()).toBe(0);
    expect(await filesBelow(io, at(''))).toEqual([]);
  });

  test.each([
    ['InternalError', 'pass', undefined],
    ['PreconditionFailed', undefined, 'COMMIT_CONFLICT'],
    ['InvalidPart', undefined, 'DEST_FAILED'],
  ] as const)('a 200 that turns out as %s is no success', async (s3Code, then, code) => {
    let completions = 0;
    await using proxy = await startProxy(s3.endpoint, (passing) => {
      if (!isComplete(passing) || (++completions > 1 && then)) return 'pass';
      return { status: 200, body: `<?xml version="1.0"?>\n<Error><Code>${s3Code}</Code></Error>` };
    });
    const write = s3Io(optionsFor(proxy.endpoint)).write(at('big'), filled(33));
    if (code) await expect(write).rejects.toMatchObject({ code, retryable: false });
    else await write;
    expect(completions).toBe(then ? 2 : 1);
  });

  test('of 100 MB comes back whole', async () => {
    const bytes = filled(100);
    await io.write(at('big'), bytes);
    expect(Buffer.compare(await io.read(at('big')), bytes)).toBe(0);
    const last = bytes.byteLength;
    expect(await io.readRange(at('big'), last - 5, last)).toEqual(bytes.slice(last - 5));
    expect(await unfinishedUploads()).toBe(0);
  });

  test('is not made for 32 MiB', async () => {
    await using proxy = await startProxy(s3.endpoint, () => 'pass');
    await s3Io(optionsFor(proxy.endpoint)).write(at('a'), filled(32));
    expect(proxy.seen).toEqual([`PUT /${s3.bucket}/a`]);
  });
});
