import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  defaultCategoryRules,
  loadCategoryRules,
  parseCategoryRules,
} from '../../../../src/sources/comdirect/analysis/index.ts';

async function ruleFile(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'plumbing-rules-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'rules.json');
  await writeFile(path, content);
  return path;
}

test('a rule file is a list of categories with texts and expressions', async () => {
  const rules = [
    { category: 'groceries', text: ['frischmarkt', 'bioladen'] },
    { category: 'cash', text: 'geldautomat', regex: '^\\(ATM' },
  ];
  expect(await loadCategoryRules(await ruleFile(JSON.stringify(rules)))).toEqual(rules);
});

test.each([
  ['not json', 'no JSON'],
  ['{}', 'list'],
  ['[{"category": "x"}]', 'rule 0'],
  ['[{"category": "", "text": "x"}]', 'rule 0.category'],
  ['[{"category": "x", "text": ""}]', 'rule 0.text'],
  ['[{"category": "x", "pattern": "x"}]', 'rule 0'],
])('a file that is none is refused: %s', async (content, message) => {
  await expect(loadCategoryRules(await ruleFile(content))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(message) as string,
  });
});

test('a file that is not there is refused', async () => {
  await expect(loadCategoryRules('/nowhere/rules.json')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('the rules that come with the package are rules', () => {
  expect(parseCategoryRules(defaultCategoryRules()).length).toBeGreaterThan(10);
});
