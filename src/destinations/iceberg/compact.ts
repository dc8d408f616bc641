/** Puts many small data files into few large ones, and rows that were deleted to rest. */
import type { LoadedTable } from '../../iceberg/catalog.ts';
import type { FileChanges } from '../../iceberg/file-changes.ts';
import { schemaOf, snapshotOf } from '../../iceberg/metadata.ts';
import { partitionKey } from '../../iceberg/partition.ts';
import { TableScanner, ownDeletes, planScan } from '../../iceberg/scan.ts';
import type { ScanFile } from '../../iceberg/scan.ts';
import { DataFileWriter } from './file-writer.ts';
import type { Lakehouse } from './lakehouse.ts';

/** Small files of a partition from which on they are put together. */
const minInputFiles = 5;
/** A file counts as small below this share of the size that files should have. */
const smallShare = 0.75;

/** The files that compaction would write anew; none when there is too little to gain. */
export async function filesToCompact(
  { manifests, filePolicy }: Lakehouse,
  { metadata }: LoadedTable,
): Promise<ScanFile[]> {
  const files = await planScan(manifests, metadata, snapshotOf(metadata));
  return chooseFiles(files, filePolicy.targetFileBytes);
}

/** Writes the rows of some files to as few as possible. */
export async function compactFiles(
  { io, filePolicy }: Lakehouse,
  { metadata }: LoadedTable,
  chosen: readonly ScanFile[],
): Promise<FileChanges & { readonly discard: () => Promise<void> }> {
  const writer = new DataFileWriter(io, metadata, filePolicy.targetFileBytes);
  const discard = (): Promise<void> => writer.discard();
  try {
    const { fields } = schemaOf(metadata);
    const scanner = new TableScanner(io, metadata);
    for (const file of chosen) {
      for await (const { columns, rows, selected } of scanner.read(file, fields)) {
        for (const place of selected ?? Array(rows).keys()) {
          const writing = writer.write(columns.map((cells) => cells[place] ?? null));
          if (writing) await writing;
        }
      }
    }
    await writer.finish();
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    added: writer.files,
    removed: chosen.flatMap((file) => [file, ...ownDeletes(file)]),
    operation: 'replace',
    discard,
  };
}

/** Small files of a partition that has several of them, and files with deletes. */
function chooseFiles(files: readonly ScanFile[], targetBytes: number): ScanFile[] {
  const groups = new Map<string, ScanFile[]>();
  for (const file of files) {
    const { fileSizeBytes, specId, partition } = file.entry.file;
    if (Number(fileSizeBytes) >= smallShare * targetBytes && file.deletes.length === 0) continue;
    const key = `${specId} ${partitionKey(partition)}`;
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups.values()].flatMap((group) =>
    group.length >= minInputFiles ? group : group.filter(({ deletes }) => deletes.length > 0),
  );
}
