/** Which files of rows DuckDB brings into a table. */
import { resolve } from 'node:path';
import { snapshotOf } from '../../../iceberg/metadata.ts';
import type { TableMetadata } from '../../../iceberg/metadata.ts';
import { planScan } from '../../../iceberg/scan.ts';
import type { RowFile, TableDefinition } from '../../../model/index.ts';
import { physicalKey } from '../../../model/table-layout.ts';
import type { Lakehouse } from '../lakehouse.ts';
import { IncomingFile } from './incoming-file.ts';
import { canWriteFiles } from './write-files.ts';

/** The file, ready for a commit; `undefined` when its rows have to be written one by one. */
export async function takeFile(
  house: Lakehouse,
  definition: TableDefinition,
  metadata: TableMetadata,
  look: () => Promise<RowFile | undefined>,
  signal: AbortSignal,
): Promise<IncomingFile | undefined> {
  const keys = physicalKey(definition);
  if (!canWriteFiles(definition, metadata)) return undefined;
  // DuckDB would have to read the table's files.
  if (keys.length > 0 && !house.isLocal) return undefined;
  const [engine, file] = await Promise.all([house.engine(), look()]);
  if (!engine || !file || isPattern(file.path)) return undefined;
  const fields = new Map(file.fields.map((field) => [field.column, field]));
  const places = keys.map((key) => definition.columns.findIndex(({ name }) => name === key));
  if (places.some((place) => fields.get(place)?.nullable !== false)) return undefined;
  const incoming = new IncomingFile(engine, file);
  let isTaken = false;
  try {
    if (keys.length === 0) isTaken = await incoming.allFit(signal);
    else {
      // The list of the table's files will be needed soon; it is kept by the reader.
      const listing = planScan(house.manifests, metadata, snapshotOf(metadata)).catch(() => undefined);
      isTaken = await incoming.stage(definition, places, signal);
      await listing;
    }
    return isTaken ? incoming : undefined;
  } finally {
    if (!isTaken) incoming.drop();
  }
}

/** DuckDB would take it for a pattern, and read other files. */
function isPattern(path: string): boolean {
  return /[*?[\]{}]/.test(resolve(path));
}
