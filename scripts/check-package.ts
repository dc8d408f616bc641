/**
 * Packs the tarball and installs it into an empty project: every subpath imports, types resolve, nothing superfluous is
 * packed, and the installation stays within its budget (12 packages, 12 MB).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxPackages = 12;
const maxBytes = 12 * 1024 * 1024;
const work = mkdtempSync(join(tmpdir(), 'plumbing-package-'));
const call = (command: string, args: string[], cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  const [packed] = JSON.parse(call('npm', ['pack', '--json', '--pack-destination', work], root)) as [
    { filename: string; size: number; unpackedSize: number; files: { path: string }[] },
  ];
  const foreign = packed.files.filter(
    ({ path }) => !/^(dist\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(path),
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
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
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

function sizeOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
