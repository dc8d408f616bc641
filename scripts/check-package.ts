/**
 * Packs the tarball and installs it into an empty project: every subpath imports, types resolve, nothing superfluous is
 * packed, and the installation stays within its budget (12 packages, 12 MB). Compiles and runs a program with the oldest zod.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxPackages = 12;
const maxBytes = 12 * 1024 * 1024;
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};
const work = mkdtempSync(join(tmpdir(), 'plumbing-package-'));
const call = (command: string, args: string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [packed] = JSON.parse(call('npm', ['pack', '--json', '--pack-destination', work], root)) as [
    { filename: string; size: number; unpackedSize: number; files: { path: string }[] },
  ];
  const foreign = packed.files.filter(
    ({ path }) => !/^((dist|docs)\/|package\.json$|(README|LICENSE|CHANGELOG|SECURITY)(\.md)?$)/.test(path),
  );
  if (foreign.length > 0)
    throw new Error(`packed although not meant for users: ${foreign.map(({ path }) => path).join(', ')}`);
  const missing = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(sql|json)$/.test(path))
    .map((path) => `dist/${path.replaceAll('\\', '/')}`)
    .filter((path) => !packed.files.some((file) => file.path === path));
  if (missing.length > 0) throw new Error(`read at run time, but not packed: ${missing.join(', ')}`);
  const tarball = join(work, packed.filename);
  call('npx', ['publint', tarball], root);
  call('npx', ['attw', tarball, '--profile', 'esm-only'], root);

  writeFileSync(join(work, 'package.json'), '{ "type": "module", "private": true }');
  call('npm', ['install', '--silent', tarball], work);
  for (const subpath of Object.keys(manifest.exports)) {
    if (subpath === './package.json') continue;
    const name = `plumbing-core${subpath.slice(1)}`;
    call(process.execPath, ['--input-type=module', '-e', `await import(${JSON.stringify(name)})`], work);
  }
  call(process.execPath, [join(work, 'node_modules/.bin/plumbing'), '--help'], work);

  // Threads are started from a file of their own.
  writeFileSync(join(work, 'lines'), 'x\n'.repeat(4_000));
  const threads = pathToFileURL(join(work, 'node_modules/plumbing-core/dist/pipeline/line-workers.js'));
  const count = `const { countLines } = await import('${threads.href}');
    console.log(await countLines('lines', /x\\n/y, new AbortController().signal, 1000));`;
  const counted = call(process.execPath, ['--input-type=module', '-e', count], work).trim();
  if (counted !== '4000') throw new Error(`threads of the package counted ${counted} of 4000 lines`);

  checkOldestZod(tarball);

  const packages =
    call('npm', ['ls', '--all', '--parseable', '--omit=dev'], work).trim().split('\n').length - 1;
  const bytes = sizeOf(join(work, 'node_modules'));
  console.log(
    `packed ${packed.size} bytes, ${packed.files.length} files; installed ${packages} packages, ${bytes} bytes`,
  );
  if (packages > maxPackages)
    throw new Error(`${packages} packages are installed, the budget is ${maxPackages}`);
  if (bytes > maxBytes) throw new Error(`${bytes} bytes are installed, the budget is ${maxBytes}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** A project that has the oldest zod of the range: its own schemas must be the ones that the package means, at compile time too. */
function checkOldestZod(tarball: string): void {
  const { zod } = manifest.peerDependencies as { zod: string };
  const project = join(work, 'oldest-zod');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "type": "module", "private": true }');
  const types = join(root, 'node_modules/@types/node');
  call('npm', ['install', '--silent', tarball, `zod@${zod.replace('^', '')}`, types], project);
  writeFileSync(
    join(project, 'shop.ts'),
    `import { decimal, defineSource, defineStream, run } from 'plumbing-core';
     import { readRows, sqlite } from 'plumbing-core/destinations/sqlite';
     import { z } from 'zod';
     const orders = defineStream({
       name: 'orders',
       schema: z.object({ id: z.string(), placedAt: z.iso.datetime(), total: decimal(15, 2).nullable() }),
       primaryKey: ['id'],
       cursor: { column: 'placed_at' },
       async *read() {
         yield [{ id: 'a', placedAt: '2026-01-01T00:00:00Z', total: '1.50' }];
       },
     });
     await run({ source: defineSource({ name: 'shop', streams: [orders] }), destination: sqlite('shop.db') });
     for await (const row of readRows('shop.db', orders)) {
       const total: string | null = row.total;
       console.log(row.id.toUpperCase(), total);
     }`,
  );
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node', '--noEmit'];
  call(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'shop.ts'], project);
  const said = call(process.execPath, ['shop.ts'], project).trim();
  if (said !== 'A 1.50') throw new Error(`with zod ${zod} a program said ${said}`);
}

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
