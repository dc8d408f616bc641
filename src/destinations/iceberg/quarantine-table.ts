/** Rows that did not fit, in a table of their own, with the reason, until they are replayed. */
import { createHash } from 'node:crypto';
import type { LoadInfo, QuarantinedRow, Row, TableDefinition } from '../../model/index.ts';
import { RowKeys } from '../../model/index.ts';
import { KeyTexts } from '../../model/key-text.ts';
import { quarantineText } from '../../model/quarantine-text.ts';

/** The table of all quarantined rows of a namespace. */
export const quarantineTable = '_plumbing_quarantine';

/** Its definition. A row that is in quarantine already, because the source gives it at each run, is not kept twice. */
export const quarantineDefinition: TableDefinition = {
  name: quarantineTable,
  columns: [
    { name: 'id', type: 'int64', nullable: false, path: ['id'] },
    { name: 'table_name', type: 'string', nullable: false, path: ['table_name'] },
    { name: 'row_index', type: 'int64', nullable: false, path: ['row_index'] },
    { name: 'reason', type: 'string', nullable: false, path: ['reason'] },
    { name: 'raw_json', type: 'string', nullable: false, path: ['raw_json'] },
    { name: 'load_id', type: 'string', nullable: false, path: ['load_id'] },
    { name: 'quarantined_at', type: 'timestamp', nullable: false, path: ['quarantined_at'] },
    { name: 'key_text', type: 'string', nullable: true, path: ['key_text'] },
    { name: 'superseded_by', type: 'string', nullable: true, path: ['superseded_by'] },
    { name: 'sequence', type: 'int64', nullable: true, path: ['sequence'] },
  ],
  primaryKey: ['id'],
  write: { mode: 'merge', strategy: 'upsert' },
};

/**
 * The rows of one table for the quarantine, in the order of its columns; `keys` tells equal rows of a load apart. Those with a
 * higher `sequence` came later.
 */
export function quarantineRows(
  table: TableDefinition,
  rows: readonly QuarantinedRow[],
  info: LoadInfo,
  keys: RowKeys,
  sequence: number,
): Row[] {
  const texts = new KeyTexts(table);
  return rows.map(({ index, reason, raw }) => {
    const text = quarantineText(raw);
    return [
      idOf(table.name, keys.keyFor(text)),
      table.name,
      index,
      reason.toWellFormed(),
      text,
      info.loadId,
      info.startedAt,
      texts.ofRaw(raw) ?? null,
      null,
      sequence,
    ];
  });
}

/** Below 2^48, so that it is a plain number everywhere. */
function idOf(table: string, key: string): number {
  const hash = createHash('sha256')
    .update(JSON.stringify([table, key]))
    .digest();
  return hash.readUIntBE(0, 6);
}
