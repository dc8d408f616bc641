/** A disk that gets full at any moment: small file systems of many sizes, in a mount name space of their own. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { childEnvironment, execArgv } from './child.ts';
import { useFolder } from './folder.ts';
import { expectLoaded, expectSound } from './ledger-database.ts';

const folder = useFolder();
let small: string;

beforeEach(() => {
  small = join(folder(), 'small');
  mkdirSync(small);
});

const workerOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs a shell script where `$small` is a file system of `size`; `$out` outlives it. */
function onSmallDisk(size: string, script: string, worker: string): string {
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['-rm', 'sh', '-c', `mount -t tmpfs -o size=${size} tmpfs "$small" || exit 77\n${script}`],
    {
      encoding: 'utf8',
      env: {
        ...childEnvironment,
        small,
        out: folder(),
        worker: workerOf(worker),
        node: process.execPath,
        flags: execArgv.join(' '),
      },
    },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const canMount =
  spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /tmp']).status === 0;
const reason = 'no tmpfs can be mounted here: it takes Linux, unshare, and user name spaces or root';

const sizes = [
  64, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1_024, 1_280, 1_536, 1_792, 2_048,
];

test.for(sizes)(
  'a disk of %i KiB gets full: a typed error with the path, whole commits, and the next run goes on when there is space',
  (size, { skip }) => {
    if (!canMount) skip(reason);
    onSmallDisk(
      `${size}k`,
      `
      $node $flags $worker "$small/ledger.db" endless '{"hasReader":true}' > "$out/failed.txt"
      mkdir "$out/full" && cp "$small"/* "$out/full/" 2> /dev/null
      mount -o remount,size=64m "$small" || exit 78
      $node $flags $worker "$small/ledger.db" endless '{"loads":2}' > "$out/healed.txt"
      mkdir "$out/freed" && cp "$small"/* "$out/freed/"`,
      './ledger-worker.ts',
    );
    const last = (file: string): unknown =>
      JSON.parse(readFileSync(join(folder(), file), 'utf8').trim().split('\n').at(-1) ?? '') as unknown;
    expect(last('failed.txt')).toEqual({
      code: 'DEST_FULL',
      message: expect.stringContaining(join(small, 'ledger.db')) as string,
    });
    const path = join(folder(), 'full', 'ledger.db');
    const progress = existsSync(path) ? expectSound(path, isStaged) : undefined;
    // What the process had reported as done before the disk was full is there.
    const done = readFileSync(join(folder(), 'failed.txt'), 'utf8').trim().split('\n').map(Number);
    const reported = Math.max(0, ...done.filter((line) => !Number.isNaN(line)));
    expect(progress?.accounts ?? 0).toBeGreaterThanOrEqual(reported);
    expectLoaded(join(folder(), 'freed', 'ledger.db'), last('healed.txt') as number);
    if (size === 2_048) expect(reported).toBeGreaterThan(0);
  },
);

/** As the worker does it. */
const isStaged = (generation: number): boolean => generation % 3 === 0;

test('a temporary folder that gets full ends the run with a typed error, and leaves the file free for the next', ({
  skip,
}) => {
  if (!canMount) skip(reason);
  const script = 'SQLITE_TMPDIR="$small" $node $flags $worker "$out/wide.db"';
  const message = expect.stringMatching(/wide\.db: .*temporary files/) as string;
  expect(JSON.parse(onSmallDisk('256k', script, './spill-worker.ts'))).toEqual([
    'succeeded',
    { code: 'DEST_FULL', message },
    'succeeded',
  ]);
});
