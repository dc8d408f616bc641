import { untilAborted } from '../http/index.ts';

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  waiting: number;
}

/** Lets callers who want the same thing at the same time share one piece of work. */
export class SharedFlight<T> {
  #current: Flight<T> | undefined;

  /**
   * Joins the work that is under way, or begins it. `signal` ends this caller's wait only; the signal that `work` is given
   * aborts when the last caller has left.
   */
  async join(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const flight = (this.#current ??= this.#begin(work));
    flight.waiting++;
    try {
      return await untilAborted(flight.result, signal);
    } finally {
      flight.waiting--;
      if (flight.waiting === 0 && this.#current === flight) {
        this.#end(flight);
        flight.controller.abort(signal?.reason);
      }
    }
  }

  #begin(work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const controller = new AbortController();
    const result = work(controller.signal).finally(() => this.#end(flight));
    const flight: Flight<T> = { result, controller, waiting: 0 };
    return flight;
  }

  #end(flight: Flight<T>): void {
    if (this.#current === flight) this.#current = undefined;
  }
}
