import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, string>;
};
const entries = Object.entries(manifest.exports).filter(([name]) => name !== './package.json');
const sourceOf = (file: string): URL =>
  new URL(file.replace('./dist/', 'src/').replace(/\.js$/, '.ts'), root);

describe.each(entries)('%s', (_name, file) => {
  const source = readFileSync(sourceOf(file), 'utf8');
  const named = (pattern: RegExp): string[] =>
    [...source.matchAll(pattern)]
      .flatMap((match) => (match[1] as string).split(','))
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .toSorted();

  test('offers exactly the names that users rely on', async () => {
    const values = named(/^export \{([^}]*)\}/gm);
    expect({ values, types: named(/^export type \{([^}]*)\}/gm) }).toMatchSnapshot();
    const module = (await import(sourceOf(file).href)) as Record<string, unknown>;
    expect(Object.keys(module).toSorted()).toEqual(values);
  });

  test('lists its names one by one', () => {
    expect(source).not.toMatch(/export \*/);
  });
});
