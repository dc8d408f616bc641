/** The summary of a snapshot: what it did, and the totals of the table after it. */
import type { DataFile } from './data-file.ts';
import type { FileChanges } from './file-changes.ts';
import type { Operation, Snapshot } from './metadata.ts';

interface Sums {
  files: number;
  records: bigint;
  deleteFiles: number;
  positionDeletes: bigint;
  equalityDeletes: bigint;
  size: bigint;
}

/** The summary of a snapshot with these changes. Totals go on from the parent; one that it lacks stays out. */
export function summaryOf(parent: Snapshot | undefined, changes: FileChanges): Snapshot['summary'] {
  const added = sum(changes.added);
  const removed = sum(changes.removed.map(({ entry }) => entry.file));
  const summary: Record<string, string> = {};
  const note = (key: string, count: number | bigint): void => {
    if (count > 0) summary[key] = String(count);
  };
  note('added-data-files', added.files);
  note('added-records', added.records);
  note('added-files-size', added.size);
  note('added-delete-files', added.deleteFiles);
  note('added-position-delete-files', added.deleteFiles);
  note('added-position-deletes', added.positionDeletes);
  note('deleted-data-files', removed.files);
  note('deleted-records', removed.records);
  note('removed-files-size', removed.size);
  note('removed-delete-files', removed.deleteFiles);
  note('removed-position-deletes', removed.positionDeletes);
  const total = (key: string, plus: number | bigint, minus: number | bigint): void => {
    const before = parent ? parent.summary[key] : '0';
    if (before === undefined) return;
    const after = BigInt(before) + BigInt(plus) - BigInt(minus);
    summary[key] = String(after < 0n ? 0n : after);
  };
  total('total-data-files', added.files, removed.files);
  total('total-delete-files', added.deleteFiles, removed.deleteFiles);
  total('total-records', added.records, removed.records);
  total('total-files-size', added.size, removed.size);
  total('total-position-deletes', added.positionDeletes, removed.positionDeletes);
  total('total-equality-deletes', added.equalityDeletes, removed.equalityDeletes);
  return { ...summary, ...changes.summary, operation: changes.operation ?? operationOf(added, removed) };
}

function operationOf(added: Sums, removed: Sums): Operation {
  const takesAway = removed.files > 0 || added.deleteFiles > 0 || removed.deleteFiles > 0;
  if (!takesAway) return 'append';
  return added.files > 0 ? 'overwrite' : 'delete';
}

function sum(files: readonly DataFile[]): Sums {
  const sums: Sums = {
    files: 0,
    records: 0n,
    deleteFiles: 0,
    positionDeletes: 0n,
    equalityDeletes: 0n,
    size: 0n,
  };
  for (const { content, recordCount, fileSizeBytes } of files) {
    sums.size += fileSizeBytes;
    if (content === 'data') {
      sums.files++;
      sums.records += recordCount;
    } else {
      sums.deleteFiles++;
      if (content === 'position-deletes') sums.positionDeletes += recordCount;
      else sums.equalityDeletes += recordCount;
    }
  }
  return sums;
}
