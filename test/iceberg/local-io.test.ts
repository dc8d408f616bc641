/** Files in a real folder, on disks that are full or read-only, and with writers that are killed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { onFailpoint } from '../../src/failpoints/index.ts';
import { resolveIo } from '../../src/iceberg/io-of.ts';
import { localIo, locationOf, pathOf } from '../../src/iceberg/local-io.ts';
import { execArgv } from '../fault/child.ts';
import { filesBelow } from './listed.ts';

const io = localIo();
const worker = fileURLToPath(new URL('local-worker.ts', import.meta.url));
let folder: string;

const at = (name: string): string => locationOf(join(folder, name));
const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const run = [process.execPath, ...execArgv, worker];

function shell(script: string, namespace = false): unknown {
  const [command = '', ...before] = namespace ? ['unshare', '-rm', 'sh', '-c'] : ['sh', '-c'];
  const { stdout, stderr } = spawnSync(command, [...before, script], {
    encoding: 'utf8',
    env: { ...process.env, folder, run: run.join(' ') },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const canMount =
  spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /tmp']).status === 0;
const noMount = 'no tmpfs can be mounted here: it takes Linux, unshare, and user name spaces or root';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plumbing-local-io-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a file that exists already', () => {
  test('is left as it is, and nothing else is left behind', async () => {
    await io.write(at('a'), text('first'));
    await expect(io.write(at('a'), text('second'))).rejects.toMatchObject({
      code: 'COMMIT_CONFLICT',
      retryable: false,
      context: { location: at('a'), errno: 'EEXIST' },
    });
    expect(await io.read(at('a'))).toEqual(text('first'));
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('so is a folder, and a link to nowhere', async () => {
    mkdirSync(join(folder, 'taken'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    for (const name of ['taken', 'link'])
      await expect(io.write(at(name), text('a'))).rejects.toMatchObject({ code: 'COMMIT_CONFLICT' });
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });

  test('of 50 writers at once, exactly one wins', async () => {
    const writes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => io.write(at('new/deep/race'), text(`writer ${index}`))),
    );
    const winners = writes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(await io.read(at('new/deep/race'))).toEqual(text(`writer ${winners[0]}`));
    for (const write of writes)
      if (write.status === 'rejected') expect(write.reason).toMatchObject({ code: 'COMMIT_CONFLICT' });
    expect(readdirSync(join(folder, 'new/deep'))).toEqual(['race']);
  });
});

describe('a disk that does not take it', () => {
  test('a full one', ({ skip }) => {
    if (!canMount) skip(noMount);
    const script = `mount -t tmpfs -o size=64k tmpfs "$folder" && $run "file://$folder/t/a" 100000 && ls -A "$folder/t" >&2`;
    expect(shell(script, true)).toMatchObject({
      code: 'DEST_FULL',
      retryable: true,
      context: { errno: 'ENOSPC' },
    });
  });

  test('a read-only one', ({ skip }) => {
    if (!canMount) skip(noMount);
    const script = `mount -t tmpfs -o ro tmpfs "$folder" && $run "file://$folder/a" 1`;
    expect(shell(script, true)).toMatchObject({
      code: 'DEST_READ_ONLY',
      retryable: false,
      context: { errno: 'EROFS' },
    });
  });

  test('a limit on the size of files', () => {
    // In blocks of 512 bytes; the bytes that fit must not stay behind.
    expect(shell('ulimit -f 8; $run "file://$folder/a" 100000')).toMatchObject({
      code: 'DEST_FULL',
      retryable: true,
      context: { errno: 'EFBIG' },
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder of someone else', ({ skip }) => {
    if (process.getuid?.() !== 0) skip('takes root, which can become someone else');
    expect(shell('chmod 755 "$folder"; $run "file://$folder/a" 1 65534')).toMatchObject({
      code: 'DEST_READ_ONLY',
      context: { errno: 'EACCES' },
    });
  });

  test('a file where a folder should be', async () => {
    await io.write(at('a'), text('a'));
    for (const name of ['a/b', 'a/b/c'])
      await expect(io.write(at(name), text('b'))).rejects.toMatchObject({ code: 'DEST_FAILED' });
  });

  test('a name that is too long', async () => {
    await expect(io.write(at('x'.repeat(256)), text('b'))).rejects.toMatchObject({
      code: 'DEST_FAILED',
      context: { errno: 'ENAMETOOLONG' },
    });
    expect(readdirSync(folder)).toEqual([]);
    await io.write(at('x'.repeat(255)), text('b'));
  });
});

describe('what is not there', () => {
  test('is corruption when something points to it, and fine to remove', async () => {
    await io.write(at('a'), text('a'));
    for (const name of ['b', 'no/b', 'a/b']) {
      const absent = { code: 'DEST_CORRUPT', retryable: false, context: { location: at(name) } };
      await expect(io.read(at(name))).rejects.toMatchObject(absent);
      await expect(io.readRange(at(name), 0, 1)).rejects.toMatchObject(absent);
      await io.remove(at(name));
      expect(await filesBelow(io, at(`${name}/`))).toEqual([]);
    }
  });

  test('bytes beyond the end are corruption', async () => {
    await io.write(at('a'), text('0123456789'));
    for (const [start, end] of [
      [8, 11],
      [10, 11],
      [50, 60],
    ] as const)
      await expect(io.readRange(at('a'), start, end)).rejects.toMatchObject({ code: 'DEST_CORRUPT' });
    for (const [start, end] of [
      [5, 4],
      [-1, 4],
      [0.5, 4],
      [0, Number.NaN],
    ] as const)
      await expect(io.readRange(at('a'), start, end)).rejects.toThrow(RangeError);
  });

  test('a folder can not be read or removed like a file', async () => {
    mkdirSync(join(folder, 'f'));
    await expect(io.read(at('f'))).rejects.toMatchObject({ code: 'DEST_FAILED' });
    await expect(io.remove(at('f'))).rejects.toMatchObject({ code: 'DEST_FAILED' });
  });
});

test('a writer that is killed leaves whole files, and temporary ones that lists show', async () => {
  const sizeBytes = 300_000;
  for (let kill = 0; kill < 10; kill++) {
    const [command = '', ...before] = run;
    const child = spawn(command, [...before, at(`k${kill}/`), String(sizeBytes), '', 'endless']);
    let lines = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('written').length - 1;
      if (lines > kill * 7) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const files = await Array.fromAsync(io.list(at(`k${kill}/`)));
    const whole = files.filter(({ location }) => !location.endsWith('.tmp'));
    expect(whole.length).toBeGreaterThanOrEqual(lines);
    for (const file of whole) expect(file.sizeBytes).toBe(sizeBytes);
    expect(files.length - whole.length).toBeLessThanOrEqual(1);
  }
});

describe('whole files', () => {
  test('ranges, up to the last byte', async () => {
    await io.write(at('a'), text('0123456789'));
    expect(await io.readRange(at('a'), 0, 10)).toEqual(text('0123456789'));
    expect(await io.readRange(at('a'), 9, 10)).toEqual(text('9'));
    expect(await io.readRange(at('a'), 10, 10)).toEqual(new Uint8Array());
  });

  test('an empty file', async () => {
    await io.write(at('a'), new Uint8Array());
    expect(await io.read(at('a'))).toEqual(new Uint8Array());
  });

  test('belong to their owner alone, as do new folders', async () => {
    await io.write(at('x/y/a'), text('a'));
    const mode = (name: string): string => (statSync(join(folder, name)).mode & 0o777).toString(8);
    expect(['x', 'x/y', 'x/y/a'].map(mode)).toEqual(['700', '700', '600']);
    expect(statSync(join(folder, 'x/y/a')).nlink).toBe(1);
  });

  test('are told to the failpoint once they are there', async () => {
    const passed: unknown[] = [];
    const end = onFailpoint((name) => passed.push(name, readFileSync(join(folder, 'a'), 'utf8')));
    await io.write(at('a'), text('whole'));
    end();
    expect(passed).toEqual(['iceberg.file_written', 'whole']);
  });
});

describe('lists', () => {
  test('show all files below a folder, with size and date', async () => {
    const names = ['a', 'b/c', 'b/d/e', '.hidden', 'b/_f'];
    const before = Date.now();
    for (const name of names) await io.write(at(name), text(name));
    mkdirSync(join(folder, 'empty'));
    symlinkSync(folder, join(folder, 'circle'));
    symlinkSync(join(folder, 'a'), join(folder, 'link'));
    const found = await Array.fromAsync(io.list(`${locationOf(folder)}/`));
    expect(found.map(({ location }) => location).toSorted()).toEqual(names.map(at).toSorted());
    for (const { location, sizeBytes, modifiedMs } of found) {
      expect(sizeBytes).toBe((await io.read(location)).byteLength);
      expect(Math.abs(modifiedMs - before)).toBeLessThan(10_000);
    }
    expect((await filesBelow(io, at('b'))).toSorted()).toEqual(['b/_f', 'b/c', 'b/d/e'].map(at));
  });

  test('skip files and folders that vanish meanwhile', async () => {
    for (let n = 0; n < 20; n++) for (const sub of ['d1', 'd2']) await io.write(at(`${sub}/${n}`), text('a'));
    const found: string[] = [];
    for await (const { location } of io.list(at(''))) {
      found.push(location);
      rmSync(folder, { recursive: true, force: true });
    }
    expect(found).toHaveLength(1);
  });
});

describe('locations', () => {
  test.each(['day=2026-01-01', 'a%20b%2Fc', 'with space', 'plus+', 'Größe😀', 'hash#q?x', '100%', 'q\'"\\'])(
    '%s is taken literally',
    async (name) => {
      await io.write(at(`${name}/f`), text(name));
      expect(readdirSync(folder)).toEqual([name]);
      expect(await filesBelow(io, at(''))).toEqual([`file://${folder}/${name}/f`]);
      expect(await io.read(at(`${name}/f`))).toEqual(text(name));
    },
  );

  test("the Java library's spelling is understood, and kept by lists", async () => {
    writeFileSync(join(folder, 'a'), 'a');
    expect(pathOf('file:/data/a')).toBe('/data/a');
    expect(await resolveIo({}).read(`file:${folder}/a`)).toEqual(text('a'));
    expect(await filesBelow(resolveIo({}), `file:${folder}/`)).toEqual([`file:${folder}/a`]);
  });

  test.each(['file://host/a', 'file://a', 'file:a', 'file:////a', '/a', 's3://b/a', 'file:///a\0b', ''])(
    '%j is refused',
    async (location) => {
      for (const act of [io.read, io.remove])
        await expect(act(location)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
      await expect(io.write(location, text('a'))).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    },
  );

  test('a path must be absolute to become one', () => {
    expect(locationOf('/data/a b')).toBe('file:///data/a b');
    expect(() => locationOf('data/a')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});
