/**
 * Breaks the library on purpose, one edit at a time, and demands that a test notices. Works in a copy: the checkout is
 * never touched. Ends with 1 when an edit does not apply or no test turns red.
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
using copy = TestCopy.make();
process.exitCode = sabotage() ? 0 : 1;

function sabotage(): boolean {
  const misplaced = edits.filter((edit) => copy.count(edit.file, edit.old) !== 1);
  for (const { name, file } of misplaced) console.log(`not found exactly once in ${file}: ${name}`);
  if (misplaced.length > 0 || !isGreenUnedited()) return false;
  const red = edits.filter((edit) => turnsRed(edit)).length;
  console.log(`${red} of ${edits.length} edits turned a test red`);
  return red === edits.length;
}

/** All tests that are named here pass as long as nothing is broken, and each title is one of theirs. */
function isGreenUnedited(): boolean {
  const results = copy.run([...new Set(edits.map(({ test }) => test))]);
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

function turnsRed(edit: Edit): boolean {
  using _edited = copy.edited(edit.file, edit.old, edit.with);
  const failed = copy.run([edit.test], edit.title).filter(({ passed }) => !passed);
  const proof = failed.find(({ message }) => !brokenCode.test(message));
  if (proof) {
    console.log(`ok red  ${edit.name}  <- ${proof.title}`);
    return true;
  }
  const why = failed[0]?.message.split('\n')[0] ?? 'no test failed';
  console.log(`NOT RED ${edit.name}  (${edit.test}: ${why})`);
  return false;
}
