/** An open connection to a warehouse, as the port sees it. */
import { createHash } from 'node:crypto';
import { PlumbingError } from '../../errors/index.ts';
import { PipelineState } from '../../model/index.ts';
import type { Load, LoadInfo, Session, UndoReport } from '../../model/index.ts';
import type { LoadLockOptions } from '../../locks/load-lock.ts';
import { SingleLoad } from '../../locks/single-load.ts';
import type { Lakehouse } from './lakehouse.ts';
import { IcebergLoad } from './load.ts';
import { IcebergReader } from './reader.ts';
import { undoBySnapshots } from './undo.ts';
import type { Undo } from './undo.ts';
import { undoableLoad } from './undo-record.ts';

/** A session. */
export class IcebergSession implements Session {
  readonly reader: IcebergReader;
  readonly #house: Lakehouse;
  readonly #isReadOnly: boolean;
  readonly #undo: Undo;
  readonly #load = new SingleLoad<IcebergLoad>();

  constructor(house: Lakehouse, isReadOnly: boolean, undo: Undo = undoBySnapshots) {
    this.#house = house;
    this.#isReadOnly = isReadOnly;
    this.#undo = undo;
    this.reader = new IcebergReader(house);
  }

  async readState(pipeline: string): Promise<PipelineState> {
    await this.#load.current?.noteStateRead();
    return new PipelineState(await this.reader.state(pipeline));
  }

  async begin(info: LoadInfo): Promise<Load> {
    this.#requireWritable();
    // Where the catalog has branches, a load is one commit.
    const whole = this.#house.catalog.branches ? { ...info, staged: true } : info;
    return this.#load.begin(this.#lockOf(info.pipeline), info.signal, (release) =>
      IcebergLoad.begin(this.#house, whole, async () => release()),
    );
  }

  async undo(loadId: string, signal: AbortSignal): Promise<UndoReport> {
    this.#requireWritable();
    const { record } = await undoableLoad(this.#house, loadId);
    return this.#load.between(this.#lockOf(record.pipeline), signal, () =>
      this.#undo(this.#house, loadId, signal),
    );
  }

  async close(): Promise<void> {
    await this.#load.current?.abort('the session was closed before the load was published');
    await this.#house.close();
  }

  #requireWritable(): void {
    if (!this.#isReadOnly) return;
    const { path } = this.#house;
    throw new PlumbingError('DEST_READ_ONLY', `${path}: opened to read only; open it without readOnly`);
  }

  /** Runs of one pipeline would do the same work twice; others only meet where they commit. */
  #lockOf(pipeline: string): LoadLockOptions {
    const { path, options } = this.#house;
    const { lockFile, lockTimeoutMs } = options;
    return { file: `${lockFile}.${hashOf(pipeline)}`, path, lockTimeoutMs };
  }
}

function hashOf(pipeline: string): string {
  return createHash('sha256').update(pipeline).digest('hex').slice(0, 12);
}
