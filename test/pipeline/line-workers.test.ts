/** Lines of large files are counted on several threads, each of which has a part of the file. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { countLines } from '../../src/pipeline/line-workers.ts';

const folder = mkdtempSync(join(tmpdir(), 'plumbing-lines-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'lines.jsonl');
const expression = /\{"a":"[^"]*"\}\r?\n/y;
const { signal } = new AbortController();
const line = (text: string): string => `{"a":"${text}"}`;

test('every line once, wherever a part begins', async () => {
  const text = fc.string({ unit: fc.constantFrom('x', 'ü', '€', '😀'), maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 1, maxLength: 60 }),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.integer({ min: 1, max: 400 }),
      async (texts, lineEnd, isEnded, partBytes) => {
        writeFileSync(path, texts.map(line).join(lineEnd) + (isEnded ? lineEnd : ''));
        expect(await countLines(path, expression, signal, partBytes)).toBe(texts.length);
      },
    ),
    { numRuns: 25 },
  );
}, 60_000);

test.each([0, 250, 500, 750, 999])('line %d of a thousand does not fit', async (bad) => {
  const lines = Array.from({ length: 1_000 }, (_, i) => (i === bad ? '{"b":1}' : line(`row ${i}`)));
  writeFileSync(path, `${lines.join('\n')}\n`);
  expect(await countLines(path, expression, signal, 4_000)).toBeUndefined();
});

test.each(['\n', 'tail', '{"a":"x"}}\n'])('more than lines at the end: %j', async (end) => {
  writeFileSync(path, `${Array.from({ length: 1_000 }, (_, i) => line(`row ${i}`)).join('\n')}\n`);
  appendFileSync(path, end);
  expect(await countLines(path, expression, signal, 4_000)).toBeUndefined();
});

test('a line longer than a part, and one that is too long', async () => {
  const long = line('x'.repeat(900_000));
  writeFileSync(path, `${[line('a'), long, long, line('b')].join('\n')}\n`);
  expect(await countLines(path, expression, signal, 300_000)).toBe(4);
  writeFileSync(path, `${[line('a'), line('x'.repeat(3_000_000)), line('b')].join('\n')}\n`);
  expect(await countLines(path, expression, signal, 300_000)).toBeUndefined();
});

test('where no thread may be started, this one counts', () => {
  writeFileSync(path, `${line('x')}\n`.repeat(1_000));
  const module = new URL('../../src/pipeline/line-workers.ts', import.meta.url).href;
  const code = `const { countLines } = await import('${module}');
    const { signal } = new AbortController();
    console.log(await countLines(${JSON.stringify(path)}, ${String(expression)}, signal, 1_000));`;
  const rights = ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'];
  const options = [...rights, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code];
  const child = spawnSync(process.execPath, options, { encoding: 'utf8' });
  expect([child.stdout.trim(), child.stderr]).toEqual(['1000', '']);
});

test('an abort ends the threads, and so does a fault', async () => {
  writeFileSync(path, `${line('x'.repeat(100))}\n`.repeat(400_000));
  const stop = new AbortController();
  const counting = countLines(path, expression, stop.signal, 1_000_000);
  setTimeout(() => stop.abort(new Error('enough')), 15);
  await expect(counting).rejects.toThrow('enough');
  await expect(countLines(path, expression, stop.signal, 1_000_000)).rejects.toThrow('enough');
  await expect(countLines(join(folder, 'none.jsonl'), expression, signal)).rejects.toMatchObject({
    code: 'ENOENT',
  });
  expect(process.getActiveResourcesInfo().filter((name) => name === 'MessagePort')).toEqual([]);
});
