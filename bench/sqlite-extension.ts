/** DuckDB's own extension for SQLite files, for the benchmark only: the library never downloads or loads one. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Pairs with the DuckDB that is installed. */
const version = '1.5.5';
const folder = fileURLToPath(new URL(`../node_modules/.cache/sqlite-scanner-${version}`, import.meta.url));

/** Path of the extension, from the Python package index at the first run; undefined, and said so, where that is out of reach. */
export function fetchExtension(): string | undefined {
  const find = (): string | undefined => globSync(`${folder}/**/sqlite_scanner.duckdb_extension`)[0];
  if (existsSync(folder) && find()) return find();
  try {
    const python = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--disable-pip-version-check'];
    execFileSync('python3', [...python, '--target', folder, `duckdb-extension-sqlite-scanner==${version}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return find();
  } catch (error) {
    const reason = (error as Error).message.split('\n').slice(1, 2).join(' ').trim();
    console.log(`Left out, the SQLite extension of DuckDB: pip could not fetch it (${reason})\n`);
    return undefined;
  }
}
