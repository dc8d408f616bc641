/** Validates rows as the vendor sent them and lays them out as the table wants them, by the stream's drift policy. */
import { z } from 'zod';
import { PlumbingError } from '../errors/index.ts';
import { redact } from '../logging/index.ts';
import { RowKeys, compileSchema, pathKey, rowKeyColumn } from '../model/index.ts';
import type {
  CompiledSchema,
  Misfit,
  QuarantinedRow,
  Row,
  Stream,
  TableDefinition,
  Value,
} from '../model/index.ts';
import { isRecord } from '../model/plain.ts';
import { isStorable } from '../model/widen.ts';
import { ExtraColumns } from './extra-columns.ts';
import type { ColumnChange } from './extra-columns.ts';

/** A batch, ready for the load. */
export interface ShapedBatch {
  readonly rows: readonly Row[];
  /** For each of `rows` its position in the batch. */
  readonly offsets: readonly number[];
  readonly rejected: readonly QuarantinedRow[];
  /** To be applied to the table before the rows are written. */
  readonly changes: readonly ColumnChange[];
}

/** What has to be known of a stream. */
type ShapedStream = Pick<Stream, 'name' | 'schema' | 'drift'>;

type Cells = (Value | undefined)[];

/** A cell whose final form is known only when the whole batch was seen. */
interface PendingCell {
  readonly row: Cells;
  readonly index: number;
  readonly value: unknown;
}

/** Shapes the rows of one stream; one a run. */
export class RowShaper {
  readonly #stream: ShapedStream;
  readonly #schema: CompiledSchema;
  readonly #flatten: (parsed: unknown) => Cells;
  readonly #fastRow: (raw: unknown) => Cells | undefined;
  readonly #extras: ExtraColumns;
  readonly #keyNames: readonly string[];
  readonly #rowKeyIndex: number;
  /** Why a field that the schema does not know keeps its row out, or `undefined` when it becomes a column. */
  readonly #closed: boolean;
  readonly #hasUnknown: (raw: unknown) => boolean;
  #keyIndexes: readonly number[] = [];
  #rowKeys = new RowKeys('');
  #read = 0;

  constructor(stream: ShapedStream, table: TableDefinition) {
    this.#stream = stream;
    this.#schema = compileSchema(stream.schema ?? z.object({}));
    const known = stream.schema ? table.columns : [];
    this.#flatten = this.#schema.flattener(known);
    this.#fastRow = this.#schema.fastRow(known);
    this.#extras = new ExtraColumns(
      table.columns,
      new Set(this.#schema.columns.map(({ path }) => pathKey(path))),
    );
    this.#keyNames = table.primaryKey.filter((name) => name !== '_inserted_at_day' && name !== rowKeyColumn);
    this.#rowKeyIndex = table.columns.findIndex((column) => column.name === rowKeyColumn);
    this.#closed = stream.schema !== undefined && (stream.drift ?? 'evolve') !== 'evolve';
    this.#hasUnknown = this.#closed ? this.#schema.hasUnknownFields : this.#schema.hasUnknownValues;
  }

  /** Rows read so far. */
  get rowsRead(): number {
    return this.#read;
  }

  /** Rows have been read and judged elsewhere. */
  passedBy(rows: number): void {
    this.#read += rows;
  }

  /** Starts a partition: occurrence numbers of equal rows begin anew. */
  startPartition(key: string): void {
    this.#rowKeys = new RowKeys(key);
  }

  /**
   * Shapes one batch.
   *
   * @throws PlumbingError `SCHEMA_DRIFT` with the policy `freeze`, at the first row that does not fit.
   */
  shape(batch: readonly unknown[]): ShapedBatch {
    const laidOut: Cells[] = [];
    const offsets: number[] = [];
    const rejected: QuarantinedRow[] = [];
    const pending: PendingCell[] = [];
    const reject = (offset: number, reason: string): void => {
      const index = this.#read + offset;
      if (this.#stream.drift === 'freeze') throw this.#frozen(index, reason);
      // Field names and the words of a schema of somebody else may be anything.
      rejected.push({ index, reason: redact(reason), raw: batch[offset] });
    };
    for (let offset = 0; offset < batch.length; offset++) {
      const row = this.#layOut(batch[offset], pending);
      if (typeof row === 'string') {
        reject(offset, row);
      } else {
        laidOut.push(row);
        offsets.push(offset);
      }
    }
    // Types are final only now: a later row of the batch may have widened an earlier one's column.
    for (const { row, index, value } of pending) row[index] = this.#extras.convert(value, index);
    if (this.#keyIndexes.length === 0)
      this.#keyIndexes = this.#keyNames.map((name) => this.#extras.indexOfName(name));
    const rows: Row[] = [];
    const kept: number[] = [];
    for (let i = 0; i < laidOut.length; i++) {
      const row = laidOut[i] as Cells;
      const missing = this.#missingKey(row);
      if (missing === undefined) {
        rows.push(row);
        kept.push(offsets[i] as number);
      } else reject(offsets[i] as number, `${missing}: the key has no value`);
    }
    this.#read += batch.length;
    return { rows, offsets: kept, rejected, changes: this.#extras.takeChanges() };
  }

  /**
   * Rows of the batch that was shaped last, which the table's store turned down.
   *
   * @throws PlumbingError `SCHEMA_DRIFT` with the policy `freeze`.
   */
  misfits(
    batch: readonly unknown[],
    { offsets }: ShapedBatch,
    found: readonly Misfit[],
  ): readonly QuarantinedRow[] {
    const first = this.#read - batch.length;
    return found.map(({ offset: place, reason }) => {
      const offset = offsets[place] as number;
      if (this.#stream.drift === 'freeze') throw this.#frozen(first + offset, reason);
      return { index: first + offset, reason: redact(reason), raw: batch[offset] };
    });
  }

  /** One row laid out, or the reason why it does not fit. */
  #layOut(raw: unknown, pending: PendingCell[]): Cells | string {
    if (!isRecord(raw)) return 'expected an object';
    let row: Cells = [];
    if (this.#stream.schema) {
      const fast = this.#fastRow(raw);
      if (fast) {
        row = fast;
      } else {
        const parsed = this.#stream.schema.safeParse(raw);
        if (!parsed.success) return reasonOf(parsed.error);
        row = this.#flatten(parsed.data);
      }
    }
    if (this.#hasUnknown(raw)) {
      for (const field of this.#schema.unknownFields(raw)) {
        if (this.#closed) return `${field.path.join('.')}: a field that the schema does not know`;
        if (!isStorable(field.value))
          return `${field.path.join('.')}: expected a JSON value, a date or bytes`;
        const place = this.#extras.place(field);
        if (typeof place === 'object')
          return `${field.path.join('.')}: ${place.to} does not fit the column's ${place.from}`;
        if (place !== undefined) pending.push({ row, index: place, value: field.value });
      }
    }
    if (this.#rowKeyIndex >= 0) row[this.#rowKeyIndex] = this.#rowKeys.keyFor(raw);
    return row;
  }

  #missingKey(row: Cells): string | undefined {
    for (let i = 0; i < this.#keyIndexes.length; i++) {
      const value = row[this.#keyIndexes[i] as number];
      if (value === undefined || value === null) return this.#keyNames[i];
    }
    return undefined;
  }

  #frozen(index: number, reason: string): PlumbingError {
    return new PlumbingError(
      'SCHEMA_DRIFT',
      `stream "${this.#stream.name}", row ${index}: ${reason}; with the drift policy freeze nothing of the stream was written`,
    );
  }
}

/** The first issues of a zod error: paths and expectations, never the values. */
function reasonOf(error: z.ZodError): string {
  const lines = error.issues.slice(0, 5).map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (error.issues.length > lines.length) lines.push(`and ${error.issues.length - lines.length} more`);
  return lines.join('; ');
}
