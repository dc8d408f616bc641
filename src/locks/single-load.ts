/** At most one load of a session at a time, under the lock of its place. */
import { PlumbingError } from '../errors/index.ts';
import { acquireLoadLock } from './load-lock.ts';
import type { LoadLock, LoadLockOptions } from './load-lock.ts';

/** See the module's title. */
export class SingleLoad<Load> {
  #load: Load | undefined;
  #isBeginning = false;

  /** The load that is open. */
  get current(): Load | undefined {
    return this.#load;
  }

  /**
   * Waits for the lock and begins a load. `make` is given what frees the lock, to be called once when the load has ended.
   *
   * @throws PlumbingError `DEST_FAILED` while another load of the session is open; else as `acquireLoadLock` and `make`, after
   * which nothing is locked.
   */
  async begin(
    place: LoadLockOptions,
    signal: AbortSignal,
    make: (release: () => void) => Load | Promise<Load>,
  ): Promise<Load> {
    return this.#locked(place, signal, async (lock) => {
      try {
        this.#load = await make(() => {
          this.#load = undefined;
          lock.release();
        });
      } catch (error) {
        lock.release();
        throw error;
      }
      return this.#load;
    });
  }

  /**
   * Waits for the lock and does `work` while no load is running.
   *
   * @throws PlumbingError as {@link begin}, and what `work` throws.
   */
  async between<T>(place: LoadLockOptions, signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
    return this.#locked(place, signal, async (lock) => {
      try {
        return await work();
      } finally {
        lock.release();
      }
    });
  }

  async #locked<T>(
    place: LoadLockOptions,
    signal: AbortSignal,
    work: (lock: LoadLock) => Promise<T>,
  ): Promise<T> {
    if (this.#load !== undefined || this.#isBeginning) {
      throw new PlumbingError(
        'DEST_FAILED',
        `${place.path}: a load of this session is still open; publish or abort it first`,
      );
    }
    this.#isBeginning = true;
    try {
      return await work(await acquireLoadLock(place, signal));
    } finally {
      this.#isBeginning = false;
    }
  }
}
