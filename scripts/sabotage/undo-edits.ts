/** Edits of the taking back of loads. */
import type { Edit } from './edit.ts';

const folder = 'src/destinations/sqlite';
const undo = 'destinations/sqlite/undo.test.ts';
const refusals = 'destinations/sqlite/undo-refusals.test.ts';

export const undoEdits: readonly Edit[] = [
  {
    name: 'rows are kept each time they change, not only the first',
    file: `${folder}/undo-images.ts`,
    old: 'WHEN OLD._plumbing_load_id IS NOT ${quoteText(loadId)}',
    with: '',
    test: undo,
  },
  {
    name: 'rows of a table that changed while it was loaded are kept in the old columns',
    file: `${folder}/undo-images.ts`,
    old: "if (latest?.['definition'] === definition) return",
    with: 'if (latest) return',
    test: undo,
    title: 'leaves them, empty or wider',
  },
  {
    name: 'deleted rows of its own count as rows of others',
    file: `${folder}/undo-log.ts`,
    old: 'tally.inserted + kept.changed - ownDeleted',
    with: 'tally.inserted + kept.changed - tally.deleted',
    test: undo,
  },
  {
    name: 'cursors are kept as the last commit found them',
    file: `${folder}/undo-state.ts`,
    old: 'DO UPDATE SET state_left = excluded.state_left`',
    with: 'DO UPDATE SET state_left = excluded.state_left, state = excluded.state`',
    test: undo,
  },
  {
    name: 'what is kept is never dropped',
    file: `${folder}/undo-store.ts`,
    old: "for (const row of old) forgetLoad(db, String(row['load_id']));",
    with: 'void old;',
    test: undo,
    title: 'is bounded by loads of each pipeline',
  },
  {
    name: 'rows are put back over those of a later load',
    file: `${folder}/undo-table.ts`,
    old: 'if (isVersionedTable ? this.#hasOtherVersions() : this.#hasTakenKeys())',
    with: 'if (isVersionedTable && this.#hasOtherVersions())',
    test: refusals,
    title: 'has inserted a row that it had deleted',
  },
  {
    name: 'versions that a later load closed do not count',
    file: `${folder}/undo-table.ts`,
    old: 'this.#openVersions() !== this.#kept.openLeft',
    with: 'false',
    test: refusals,
    title: 'has closed a version',
  },
  {
    name: 'sets that a later load filled do not count',
    file: `${folder}/undo-table.ts`,
    old: 'if (this.#hasOtherSet())',
    with: 'if (false)',
    test: refusals,
    title: 'has filled a scope',
  },
  {
    name: 'moved cursors do not count',
    file: `${folder}/undo.ts`,
    old: 'if (moved)',
    with: 'if (moved && false)',
    test: refusals,
    title: 'has moved its cursor',
  },
  {
    name: 'rows that were there before are deleted and written anew',
    file: `${folder}/undo-table.ts`,
    old: "const added = key === '' ? isOwn",
    with: "const added = key !== '' ? isOwn",
    test: refusals,
    title: 'rows that others point to',
  },
];
