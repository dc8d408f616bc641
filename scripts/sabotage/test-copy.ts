/** A copy of the checkout in a temporary folder, in which sources can be broken and tests be run. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What became of one test. */
export interface TestResult {
  /** Relative to `test/`. */
  readonly file: string;
  readonly title: string;
  readonly passed: boolean;
  /** Why it failed. */
  readonly message: string;
}

/** The part of vitest's JSON report that is read here. */
interface JsonReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

const checkout = fileURLToPath(new URL('../../', import.meta.url));
/** An edit may leave a test waiting for ever. */
const runTimeoutMs = 120_000;

export class TestCopy {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Copies the files that git knows or would add; packages are shared. */
  static make(): TestCopy {
    const folder = mkdtempSync(join(tmpdir(), 'plumbing-sabotage-'));
    const listing = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const files = execFileSync('git', listing, { cwd: checkout, encoding: 'utf8' }).split('\0');
    for (const file of files) {
      if (file !== '' && existsSync(join(checkout, file))) cpSync(join(checkout, file), join(folder, file));
    }
    symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
    return new TestCopy(folder);
  }

  /** How often `text` occurs in a file. */
  count(file: string, text: string): number {
    return readFileSync(join(this.#folder, file), 'utf8').split(text).length - 1;
  }

  /** Puts `replacement` in the place of `text`, until the returned object is disposed of. */
  edited(file: string, text: string, replacement: string): Disposable {
    const path = join(this.#folder, file);
    const original = readFileSync(path, 'utf8');
    writeFileSync(
      path,
      original.replace(text, () => replacement),
    );
    return { [Symbol.dispose]: () => writeFileSync(path, original) };
  }

  /** Runs test files, or those of their tests whose title holds `title`. */
  async run(files: readonly string[], title?: string): Promise<readonly TestResult[]> {
    const report = join(this.#folder, 'report.json');
    rmSync(report, { force: true });
    const paths = files.map((file) => join('test', file));
    const options = [
      '--reporter=json',
      `--outputFile=${report}`,
      '--testTimeout=15000',
      '--no-cache',
      '--no-fsModuleCache',
    ];
    if (title !== undefined) options.push('-t', title.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
    const vitest = join('node_modules', 'vitest', 'vitest.mjs');
    const tests = spawn(process.execPath, [vitest, 'run', ...paths, ...options], {
      cwd: this.#folder,
      stdio: 'ignore',
      timeout: runTimeoutMs,
    });
    await once(tests, 'exit');
    return existsSync(report) ? this.#read(JSON.parse(readFileSync(report, 'utf8')) as JsonReport) : [];
  }

  #read({ testResults }: JsonReport): readonly TestResult[] {
    return testResults.flatMap(({ name, assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === 'passed' || status === 'failed')
        .map(({ fullName, status, failureMessages }) => ({
          file: relative(join(this.#folder, 'test'), name),
          title: fullName,
          passed: status === 'passed',
          message: failureMessages?.join('\n') ?? '',
        })),
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
