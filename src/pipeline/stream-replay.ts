/** The second chance for the quarantined rows of one stream. */
import { KeyTexts } from '../model/key-text.ts';
import type { Condition, Load, Reader, Row, StoredQuarantinedRow, Stream, Value } from '../model/index.ts';
import { physicalKey } from '../model/table-layout.ts';
import { requireCommitted } from './commit.ts';
import { RowShaper } from './row-shaper.ts';

/** What became of the quarantined rows of one stream. */
export interface ReplayReport {
  readonly stream: string;
  /** Rows that fit now and were stored. */
  readonly replayed: number;
  /** Rows whose key a later load has brought, or a later row that was stored with them: they were dropped. */
  readonly superseded: number;
  /** Rows that still do not fit and stay in quarantine. */
  readonly remaining: number;
}

/** Rows handled in one commit. */
const chunkRows = 1_000;

/** See the module's title. */
export class StreamReplay {
  readonly #stream: Stream;
  readonly #load: Load;
  readonly #loadId: string;
  readonly #reader: Reader;
  readonly #shaper: RowShaper;
  /** Rows that still do not fit, by key: they go when a later row of their key is stored. */
  readonly #staying = new Map<string, number[]>();
  #replayed = 0;
  #superseded = 0;
  #remaining = 0;

  constructor(stream: Stream, load: Load, loadId: string, reader: Reader) {
    this.#stream = stream;
    this.#load = load;
    this.#loadId = loadId;
    this.#reader = reader;
    // A row that still does not fit stays where it is; that is no reason to stop.
    const drift = stream.drift === 'freeze' ? 'quarantine' : (stream.drift ?? 'evolve');
    this.#shaper = new RowShaper({ ...stream, drift }, load.table(stream.name));
  }

  /** Goes through all of them, the oldest first, so that the newest row of a key is the one that stays. */
  async run(signal: AbortSignal): Promise<ReplayReport> {
    const { name } = this.#stream;
    // The reader keeps to the snapshot with which it began: what is released meanwhile does not disturb it.
    for await (const chunk of chunksOf(this.#reader.quarantined(name))) {
      signal.throwIfAborted();
      await this.#replay(chunk);
    }
    requireCommitted(await this.#load.finishTable(name, []), name);
    return {
      stream: name,
      replayed: this.#replayed,
      superseded: this.#superseded,
      remaining: this.#remaining,
    };
  }

  async #replay(chunk: readonly StoredQuarantinedRow[]): Promise<void> {
    const { name } = this.#stream;
    const { rows, rejected, changes } = this.#shaper.shape(chunk.map(({ raw }) => raw));
    const before = this.#shaper.rowsRead - chunk.length;
    const refused = new Set(rejected.map(({ index }) => index - before));
    if (changes.length > 0) {
      const columns = changes.map(({ column }) => column);
      await this.#load.evolve(name, columns);
    }
    const table = this.#load.table(name);
    const keys = new KeyTexts(table);
    const replaces = physicalKey(table).length > 0;
    const current: Row[] = [];
    const released: number[] = [];
    let fitting = 0;
    for (const [offset, stored] of chunk.entries()) {
      if (refused.has(offset)) {
        this.#stay(stored);
        continue;
      }
      const row = rows[fitting++] as Row;
      const key = keys.ofRow(row);
      released.push(stored.id);
      if (await this.#isSuperseded(stored, row, key)) {
        this.#superseded++;
        continue;
      }
      current.push(row);
      if (replaces && key !== undefined && stored.key === key) released.push(...this.#dropOlder(key));
    }
    await this.#load.write(name, current);
    await this.#load.releaseQuarantine(name, released);
    requireCommitted(await this.#load.checkpoint([]), name);
    this.#replayed += current.length;
  }

  #stay({ id, key }: StoredQuarantinedRow): void {
    this.#remaining++;
    if (key === undefined) return;
    const ids = this.#staying.get(key);
    if (ids) ids.push(id);
    else this.#staying.set(key, [id]);
  }

  /** Rows of the key that came before and did not fit: another time they would be put over the newer one. */
  #dropOlder(key: string): readonly number[] {
    const ids = this.#staying.get(key) ?? [];
    this.#staying.delete(key);
    this.#remaining -= ids.length;
    this.#superseded += ids.length;
    return ids;
  }

  /** Whether a later load has brought the key. */
  async #isSuperseded(waiting: StoredQuarantinedRow, row: Row, key: string | undefined): Promise<boolean> {
    // The store has watched for this very key, so it knows of every load.
    if (key !== undefined && waiting.key === key) return waiting.isSuperseded === true;
    const { name } = this.#stream;
    const { primaryKey, columns } = this.#load.table(name);
    if (primaryKey.length === 0) return false;
    const where = primaryKey.map((column): Condition => {
      const index = columns.findIndex((candidate) => candidate.name === column);
      return { column, op: '=', value: row[index] as Value };
    });
    const query = { columns: ['_plumbing_load_id'], where, limit: 1 };
    for await (const stored of this.#reader.readRows(name, query)) {
      const loadId = stored['_plumbing_load_id'] as string;
      return loadId !== this.#loadId && loadId > waiting.loadId;
    }
    return false;
  }
}

async function* chunksOf(rows: AsyncIterable<StoredQuarantinedRow>): AsyncIterable<StoredQuarantinedRow[]> {
  let chunk: StoredQuarantinedRow[] = [];
  for await (const row of rows) {
    chunk.push(row);
    if (chunk.length < chunkRows) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
