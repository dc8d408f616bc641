/**
 * Executes what the README shows: its TypeScript blocks as programs, its `plumbing` lines as commands, in order, in one
 * empty folder, against a sandbox bank. Also checks that the first code stands within the first 30 lines, that the
 * TypeScript blocks of the other documents compile against the built package, and that the suite in docs/conformance.md runs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startComdirectSandbox } from 'plumbing-core/sources/comdirect/sandbox';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(join(root, 'README.md'), 'utf8');
const firstCode = readme.split('\n').findIndex((line) => line.startsWith('```ts')) + 1;
if (firstCode === 0 || firstCode > 30)
  throw new Error(`the first code is on line ${firstCode}, not by line 30`);

const sandbox = await startComdirectSandbox({ approveAfterMs: 200 });
const work = await mkdtemp(join(tmpdir(), 'plumbing-readme-'));
const env = {
  ...process.env,
  ...sandbox.environment,
  PLUMBING_LOGIN: 'push',
  PLUMBING_STATE_DIR: join(work, 'state'),
};
try {
  await mkdir(join(work, 'node_modules'));
  await symlink(root, join(work, 'node_modules', 'plumbing-core'));
  for (const name of ['zod', '@types'])
    await symlink(join(root, 'node_modules', name), join(work, 'node_modules', name));
  await writeFile(join(work, 'package.json'), '{ "type": "module" }');
  let programs = 0;
  for (const [, language, code = ''] of readme.matchAll(/^```(\w+)\n(.*?)^```/gms)) {
    if (language === 'ts') {
      const file = join(work, `readme-${++programs}.ts`);
      await writeFile(file, code);
      await execute([file]);
    } else if (language === 'sh') {
      for (const line of code.split('\n')) {
        // The sandbox of the first terminal is the one started above.
        if (line.startsWith('plumbing ') && !line.startsWith('plumbing sandbox')) {
          await execute([join(root, 'dist/cli/main.js'), ...line.split(' ').slice(1)]);
        }
      }
    }
  }
  if (programs === 0) throw new Error('the README has no TypeScript block');
  await checkDocuments();
} finally {
  await sandbox.close();
  await rm(work, { recursive: true, force: true });
}

async function execute(args: string[]): Promise<void> {
  console.log(`--- ${args.join(' ').replace(root, '')}`);
  const child = spawn(process.execPath, args, { cwd: work, env, stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`ended with ${code}`);
}

async function checkDocuments(): Promise<void> {
  for (const name of await readdir(join(root, 'docs'))) {
    const text = await readFile(join(root, 'docs', name), 'utf8');
    const folder = join(work, 'docs', name);
    await mkdir(folder, { recursive: true });
    for (const [index, [, code = '']] of [...text.matchAll(/^```ts\n(.*?)^```/gms)].entries()) {
      // A block that begins with the name of a file may be imported by the others of its document.
      const file = /^\/\/ ([\w.-]+\.ts)\n/.exec(code)?.[1] ?? `block-${index}.ts`;
      await writeFile(join(folder, file), code);
    }
  }
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
  };
  await writeFile(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['docs'] }));
  await execute([join(root, 'node_modules/typescript/bin/tsc'), '-p', work]);
  for (const name of ['destination', 'source'])
    await execute(['--test', join(work, `docs/conformance.md/my-${name}.test.ts`)]);
}
