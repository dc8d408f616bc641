/**
 * Breaks the library on purpose, one edit at a time, and demands that a test notices. Works in copies, two at a time: the
 * checkout is never touched. Ends with 1 when an edit does not apply or no test turns red.
 */
import type { Edit } from './sabotage/edit.ts';
import { icebergEdits } from './sabotage/iceberg-edits.ts';
import { loadEdits } from './sabotage/load-edits.ts';
import { requestEdits } from './sabotage/request-edits.ts';
import { TestCopy } from './sabotage/test-copy.ts';
import type { TestResult } from './sabotage/test-copy.ts';
import { undoEdits } from './sabotage/undo-edits.ts';

/** What a broken edit, not a broken promise, looks like. */
const brokenCode = /\b(SyntaxError|ReferenceError)\b/;

const edits: readonly Edit[] = [...loadEdits, ...requestEdits, ...icebergEdits, ...undoEdits];
using one = TestCopy.make();
using other = TestCopy.make();
process.exitCode = (await sabotage()) ? 0 : 1;

async function sabotage(): Promise<boolean> {
  const misplaced = edits.filter((edit) => one.count(edit.file, edit.old) !== 1);
  for (const { name, file } of misplaced) console.log(`not found exactly once in ${file}: ${name}`);
  if (misplaced.length > 0 || !(await isGreenUnedited())) return false;
  const waiting = edits.values();
  const [first, second] = await Promise.all([countRed(one, waiting), countRed(other, waiting)]);
  console.log(`${first + second} of ${edits.length} edits turned a test red`);
  return first + second === edits.length;
}

/** All tests that are named here pass as long as nothing is broken, and each title is one of theirs. */
async function isGreenUnedited(): Promise<boolean> {
  const results = await one.run([...new Set(edits.map(({ test }) => test))]);
  for (const { title, message } of results.filter(({ passed }) => !passed)) {
    console.log(`red without any edit: ${title}\n${message}`);
  }
  const unnamed = edits.filter((edit) => !results.some((result) => result.passed && isOf(edit, result)));
  for (const { name, test, title } of unnamed) console.log(`no test "${title ?? ''}" in ${test}: ${name}`);
  return results.length > 0 && results.every(({ passed }) => passed) && unnamed.length === 0;
}

function isOf({ test, title = '' }: Edit, result: TestResult): boolean {
  return result.file === test && result.title.includes(title);
}

/** Takes edits, one after the other, as long as some wait. */
async function countRed(copy: TestCopy, waiting: Iterable<Edit>): Promise<number> {
  let red = 0;
  for (const edit of waiting) if (await turnsRed(copy, edit)) red++;
  return red;
}

async function turnsRed(copy: TestCopy, edit: Edit): Promise<boolean> {
  using _edited = copy.edited(edit.file, edit.old, edit.with);
  const results = await copy.run([edit.test], edit.title);
  const failed = results.filter(({ passed }) => !passed);
  const proof = failed.find(({ message }) => !brokenCode.test(message));
  if (proof) {
    console.log(`ok red  ${edit.name}  <- ${proof.title}`);
    return true;
  }
  const why = failed[0]?.message.split('\n')[0] ?? 'no test failed';
  console.log(`NOT RED ${edit.name}  (${edit.test}: ${why})`);
  return false;
}
