/** In which order a write flushes and names, seen from beside the real file system; and one that knows no hard links. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { localIo, locationOf } from '../../src/iceberg/local-io.ts';

const seen = vi.hoisted(() => ({ steps: [] as string[], folder: '', linkFails: '', renameFails: '' }));

vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original();
  const short = (path: unknown): string =>
    relative(seen.folder, String(path)).replace(/\.plumbing-[^/]*\.tmp$/, 'temporary');
  const failing = (errno: string): Error => Object.assign(new Error(errno), { code: errno, syscall: 'link' });
  return {
    ...real,
    open: async (...given: Parameters<typeof real.open>) => {
      const handle = await real.open(...given);
      const sync = handle.sync.bind(handle);
      handle.sync = async () => {
        await sync();
        seen.steps.push(`sync ${short(given[0]) || '.'}`);
      };
      return handle;
    },
    link: async (from, to) => {
      if (seen.linkFails) throw failing(seen.linkFails);
      await real.link(from, to);
      seen.steps.push(`link ${short(from)} ${short(to)}`);
    },
    rename: async (from, to) => {
      if (seen.renameFails) throw failing(seen.renameFails);
      await real.rename(from, to);
      seen.steps.push(`rename ${short(from)} ${short(to)}`);
    },
  };
});

const io = localIo();
const bytes = new Uint8Array(10);
const at = (name: string): string => locationOf(join(seen.folder, name));

beforeEach(() => {
  Object.assign(seen, { steps: [], linkFails: '', renameFails: '' });
  seen.folder = mkdtempSync(join(tmpdir(), 'plumbing-steps-'));
});
afterEach(() => rmSync(seen.folder, { recursive: true, force: true }));

test('new folders are flushed into those above, the file before it gets its name, the name at last', async () => {
  await io.write(at('x/y/a'), bytes);
  expect(seen.steps).toEqual([
    'sync x',
    'sync .',
    'sync x/y/temporary',
    'link x/y/temporary x/y/a',
    'sync x/y',
  ]);
  seen.steps = [];
  await io.write(at('x/y/b'), bytes);
  expect(seen.steps).toEqual(['sync x/y/temporary', 'link x/y/temporary x/y/b', 'sync x/y']);
});

test.each(['EPERM', 'ENOTSUP', 'ENOSYS'])(
  'without hard links (%s) the name is claimed and never taken over',
  async (errno) => {
    seen.linkFails = errno;
    const writes = await Promise.allSettled(Array.from({ length: 10 }, () => io.write(at('a'), bytes)));
    expect(writes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const write of writes)
      if (write.status === 'rejected') expect(write.reason).toMatchObject({ code: 'COMMIT_CONFLICT' });
    expect(seen.steps.filter((step) => step.startsWith('rename'))).toEqual(['rename temporary a']);
    expect(seen.steps.lastIndexOf('sync .')).toBeGreaterThan(seen.steps.indexOf('rename temporary a'));
    expect(await io.read(at('a'))).toEqual(bytes);
    expect(readdirSync(seen.folder)).toEqual(['a']);
  },
);

test('a claim that can not be filled is given back', async () => {
  Object.assign(seen, { linkFails: 'EPERM', renameFails: 'EIO' });
  await expect(io.write(at('a'), bytes)).rejects.toMatchObject({
    code: 'DEST_FAILED',
    context: { errno: 'EIO' },
  });
  expect(readdirSync(seen.folder)).toEqual([]);
});
