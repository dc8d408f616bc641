/** Copies of files of tables in a private local folder. Files never change, so a copy is good for ever. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PlumbingError } from '../errors/index.ts';
import type { FileIo } from './file-io.ts';

/** A file that is wanted, of a size that its table knows. */
export interface WantedFile {
  readonly location: string;
  readonly sizeBytes: number;
}

const fetchesAtOnce = 2;
/** What was asked for within this time may be in use by another attachment or process. */
const youngMs = 15 * 60_000;

/** See the module's title. Several processes may share a folder. */
export class FileCache {
  readonly #io: FileIo;
  readonly #folder: string;
  readonly #maxBytes: number;

  /** `maxBytes`: what is kept beyond the files that were asked for in the last quarter of an hour. */
  constructor(io: FileIo, folder: string, maxBytes = Number.POSITIVE_INFINITY) {
    this.#io = io;
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /**
   * Fetches the files that are not there yet; gives their local paths. Then the copies that were not asked for the longest go, while
   * there are more than `maxBytes` of them.
   *
   * @throws PlumbingError as `FileIo.read`; `DEST_CORRUPT` for a file that is not as long as its table says; `DEST_FULL` when the disk is;
   * the signal's reason once it is aborted.
   */
  async fetch(files: readonly WantedFile[], signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const paths = new Map<string, string>();
    const waiting = [...new Map(files.map((file) => [file.location, file])).values()];
    const lane = async (): Promise<void> => {
      for (let file = waiting.pop(); file; file = waiting.pop()) {
        signal?.throwIfAborted();
        paths.set(file.location, await this.#copyOf(file));
      }
    };
    const lanes = await Promise.allSettled(
      Array.from({ length: fetchesAtOnce }, async () => {
        try {
          await lane();
        } catch (error) {
          waiting.length = 0;
          throw error;
        }
      }),
    );
    const failed = lanes.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    if (Number.isFinite(this.#maxBytes)) await this.#shrink(new Set(paths.values()));
    return paths;
  }

  async #copyOf({ location, sizeBytes }: WantedFile): Promise<string> {
    const name = createHash('sha256').update(location).digest('hex');
    const path = join(this.#folder, `${name}.parquet`);
    const known = await stat(path).catch(() => undefined);
    if (known?.size === sizeBytes) {
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      return path;
    }
    const bytes = await this.#io.read(location);
    if (bytes.byteLength !== sizeBytes) {
      throw new PlumbingError(
        'DEST_CORRUPT',
        `${location} has ${bytes.byteLength} bytes, its table says ${sizeBytes}; restore it from a backup`,
      );
    }
    const unfinished = join(this.#folder, `${randomUUID()}.unfinished`);
    try {
      await writeFile(unfinished, bytes, { mode: 0o600 });
      await rename(unfinished, path);
    } catch (cause) {
      await rm(unfinished, { force: true });
      const { code } = cause as NodeJS.ErrnoException;
      const isFull = code === 'ENOSPC' || code === 'EDQUOT';
      throw new PlumbingError(
        isFull ? 'DEST_FULL' : 'DEST_FAILED',
        `${this.#folder}: no copy of a file of a table can be kept (${code}); make room, or check who may write there`,
        { retryable: isFull, cause },
      );
    }
    return path;
  }

  async #shrink(inUse: ReadonlySet<string>): Promise<void> {
    const copies: { readonly path: string; readonly size: number; readonly usedMs: number }[] = [];
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found) copies.push({ path, size: found.size, usedMs: found.mtimeMs });
    }
    let total = copies.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size, usedMs } of copies.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.#maxBytes) return;
      if (inUse.has(path) || usedMs > Date.now() - youngMs) continue;
      await rm(path, { force: true });
      total -= size;
    }
  }
}
