/** Updates of a table as all REST servers take them. */
import type { MetadataUpdate } from './metadata-update.ts';

/** Nessie takes only one update that sets properties, and one that removes some. */
export function withOnePropertyUpdate(updates: readonly MetadataUpdate[]): MetadataUpdate[] {
  const set = new Map<string, string>();
  const removed = new Set<string>();
  const others = updates.filter((update) => {
    if (update.action === 'set-properties') {
      for (const [key, value] of Object.entries(update.updates)) {
        set.set(key, value);
        removed.delete(key);
      }
    } else if (update.action === 'remove-properties') {
      for (const key of update.removals) {
        removed.add(key);
        set.delete(key);
      }
    } else return true;
    return false;
  });
  return [
    ...others,
    ...(set.size > 0 ? [{ action: 'set-properties', updates: Object.fromEntries(set) } as const] : []),
    ...(removed.size > 0 ? [{ action: 'remove-properties', removals: [...removed] } as const] : []),
  ];
}
