/** Cursors, in the properties of the table whose rows they speak of: one commit changes both. */
import { PlumbingError } from '../../errors/index.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import type { PartitionState, StateEntry } from '../../model/index.ts';
import { decodeJson, encodeJson } from '../../model/json-text.ts';

/** A state entry as it is stored. */
export interface StoredState extends StateEntry {
  readonly pipeline: string;
  readonly updatedAt: string;
}

const prefix = 'plumbing.state.';

/** The property that holds the cursors of a pipeline. */
export function stateProperty(pipeline: string): string {
  return `${prefix}${pipeline}`;
}

/**
 * The state in a table's properties, of one pipeline or of all.
 *
 * @throws PlumbingError `STATE_CORRUPT`
 */
export function readState(metadata: TableMetadata, pipeline?: string): StoredState[] {
  return Object.entries(metadata.properties).flatMap(([key, text]): StoredState[] => {
    if (!key.startsWith(prefix)) return [];
    const name = key.slice(prefix.length);
    if (pipeline !== undefined && name !== pipeline) return [];
    try {
      const entries = decodeJson(text) as unknown as Omit<StoredState, 'pipeline'>[];
      return entries.map(({ stream, partition, state, updatedAt }) => ({
        pipeline: name,
        stream,
        partition,
        state,
        updatedAt,
      }));
    } catch (cause) {
      throw new PlumbingError(
        'STATE_CORRUPT',
        `${metadata.location}: property ${key} is not JSON; put it back, or remove it to read its streams anew`,
        { cause },
      );
    }
  });
}

/**
 * The property's value after some entries. What an entry does not say (no cursor, no custom state) stays as it was;
 * `undefined` when nothing is said.
 */
export function writeState(
  metadata: TableMetadata | undefined,
  pipeline: string,
  entries: readonly StateEntry[],
  now: string,
): Readonly<Record<string, string>> | undefined {
  const said = entries.filter(({ state }) => state.cursor !== undefined || state.custom !== undefined);
  if (said.length === 0) return undefined;
  const known = metadata ? readState(metadata, pipeline) : [];
  const next = new Map(known.map((entry) => [entryKey(entry), entry]));
  for (const { stream, partition, state } of said) {
    const { cursor, custom } = state;
    const before = next.get(entryKey({ stream, partition }))?.state ?? {};
    const merged: PartitionState = {
      ...before,
      ...(cursor !== undefined && { cursor }),
      ...(custom !== undefined && { custom }),
    };
    next.set(entryKey({ stream, partition }), { pipeline, stream, partition, state: merged, updatedAt: now });
  }
  const text = stateText([...next.values()]);
  if (text === undefined) {
    const [first] = said;
    throw new PlumbingError(
      'ROW_INVALID',
      `stream "${first?.stream}": its cursor or custom state holds NaN or Infinity`,
    );
  }
  return { [stateProperty(pipeline)]: text };
}

/** A cursor as it is to be again; `null`: there was none. */
export interface EarlierState extends Pick<StateEntry, 'stream' | 'partition'> {
  readonly before: Pick<StoredState, 'state' | 'updatedAt'> | null;
}

/** The changes that put cursors back; the property goes with the last of them. */
export function putBackState(
  metadata: TableMetadata,
  pipeline: string,
  entries: readonly EarlierState[],
): MetadataUpdate[] {
  if (entries.length === 0) return [];
  const next = new Map(readState(metadata, pipeline).map((entry) => [entryKey(entry), entry]));
  for (const { stream, partition, before } of entries) {
    if (before) next.set(entryKey({ stream, partition }), { pipeline, stream, partition, ...before });
    else next.delete(entryKey({ stream, partition }));
  }
  const key = stateProperty(pipeline);
  if (next.size === 0) return [{ action: 'remove-properties', removals: [key] }];
  return [{ action: 'set-properties', updates: { [key]: stateText([...next.values()]) as string } }];
}

function stateText(entries: readonly StoredState[]): string | undefined {
  return encodeJson(
    entries.map(({ stream, partition, state, updatedAt }) => ({ stream, partition, state, updatedAt })),
  );
}

function entryKey({ stream, partition }: Pick<StateEntry, 'stream' | 'partition'>): string {
  return JSON.stringify([stream, partition]);
}
