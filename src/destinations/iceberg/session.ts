/** An open connection to a warehouse, as the port sees it. */
import { createHash } from 'node:crypto';
import { PlumbingError } from '../../errors/index.ts';
import { PipelineState } from '../../model/index.ts';
import type { Load, LoadInfo, Session } from '../../model/index.ts';
import { SingleLoad } from '../../locks/single-load.ts';
import type { Lakehouse } from './lakehouse.ts';
import { IcebergLoad } from './load.ts';
import { IcebergReader } from './reader.ts';

/** A session. */
export class IcebergSession implements Session {
  readonly reader: IcebergReader;
  readonly #house: Lakehouse;
  readonly #isReadOnly: boolean;
  readonly #load = new SingleLoad<IcebergLoad>();

  constructor(house: Lakehouse, isReadOnly: boolean) {
    this.#house = house;
    this.#isReadOnly = isReadOnly;
    this.reader = new IcebergReader(house);
  }

  async readState(pipeline: string): Promise<PipelineState> {
    await this.#load.current?.noteStateRead();
    return new PipelineState(await this.reader.state(pipeline));
  }

  async begin(info: LoadInfo): Promise<Load> {
    const { path, options } = this.#house;
    if (this.#isReadOnly)
      throw new PlumbingError('DEST_READ_ONLY', `${path}: opened to read only; open it without readOnly`);
    // Runs of one pipeline would do the same work twice; others only meet where they commit.
    const file = `${options.lockFile}.${hashOf(info.pipeline)}`;
    const { lockTimeoutMs } = options;
    // Where the catalog has branches, a load is one commit.
    const whole = this.#house.catalog.branches ? { ...info, staged: true } : info;
    return this.#load.begin({ file, path, lockTimeoutMs }, info.signal, (release) =>
      IcebergLoad.begin(this.#house, whole, async () => release()),
    );
  }

  async close(): Promise<void> {
    await this.#load.current?.abort('the session was closed before the load was published');
    await this.#house.close();
  }
}

function hashOf(pipeline: string): string {
  return createHash('sha256').update(pipeline).digest('hex').slice(0, 12);
}
