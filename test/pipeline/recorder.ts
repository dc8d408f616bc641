/** A destination that notes what a run asks of it, and can be told how its commits end. */
import { sqlite } from '../../src/destinations/sqlite/index.ts';
import type { Commit, Destination, Load, OpenOptions, StateEntry } from '../../src/model/index.ts';

/** What a recorder is to do, beside noting. */
export interface RecorderOptions {
  /** How the n-th commit of this kind ends, from 1, without happening. */
  readonly outcome?: (
    kind: 'checkpoint' | 'finishTable' | 'publish',
    n: number,
  ) => Commit['outcome'] | undefined;
  /** Called before rows are taken. */
  readonly onWrite?: (rows: number) => void;
}

/** A SQLite database at `file`; `calls` grows by a short text at each call. */
export function recorder(file: string, options: RecorderOptions = {}) {
  const calls: string[] = [];
  const opened: (OpenOptions | undefined)[] = [];
  const commits = { checkpoint: 0, finishTable: 0, publish: 0 };
  const commit = async (
    kind: keyof typeof commits,
    what: string,
    work: () => Promise<Commit>,
  ): Promise<Commit> => {
    calls.push(what);
    const outcome = options.outcome?.(kind, ++commits[kind]);
    return outcome ? { outcome } : work();
  };
  const target = sqlite(file);
  const destination: Destination = {
    name: target.name,
    location: target.location,
    async open(given) {
      opened.push(given);
      const session = await target.open(given);
      return {
        reader: session.reader,
        readState: (pipeline) => session.readState(pipeline),
        close: () => session.close(),
        begin: async (info) => recorded(await session.begin(info)),
      };
    },
  };

  function recorded(load: Load): Load {
    return {
      table: (name) => load.table(name),
      counts: (name) => load.counts(name),
      evolve: (name, columns) => load.evolve(name, columns),
      quarantine: (name, rows) => load.quarantine(name, rows),
      releaseQuarantine: (name, rowIds) => load.releaseQuarantine(name, rowIds),
      audit: (checks) => load.audit(checks),
      async write(name, rows, scopes) {
        options.onWrite?.(rows.length);
        calls.push(`write ${rows.length}`);
        await load.write(name, rows, scopes);
      },
      checkpoint: (state) => commit('checkpoint', `checkpoint${shown(state)}`, () => load.checkpoint(state)),
      finishTable: (name, state) =>
        commit('finishTable', `finish${shown(state)}`, () => load.finishTable(name, state)),
      publish: () => commit('publish', 'publish', () => load.publish()),
      async discardTable(name) {
        calls.push('discard');
        await load.discardTable(name);
      },
      async abort(reason, how) {
        calls.push(`abort: ${reason}`);
        return load.abort(reason, how);
      },
    };
  }
  return { destination, calls, opened };
}

/** State as `key=cursor+custom`. */
function shown(state: readonly StateEntry[]): string {
  return state
    .map(({ partition, state: { cursor, custom } }) => {
      const text = cursor === undefined ? '' : JSON.stringify(cursor);
      return ` ${partition}=${text}${custom === undefined ? '' : `+${JSON.stringify(custom)}`}`;
    })
    .join('');
}
