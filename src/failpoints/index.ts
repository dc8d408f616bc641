/** Named moments of a run at which a test may act, e.g. kill the process. In production nothing happens there. */

/** Told the name of each failpoint that is passed, before the next step is taken. What it throws, the step throws. */
export type FailpointAction = (name: string) => void;

let action: FailpointAction | undefined;

/**
 * Marks a moment between two steps of which a crash may keep only the first. Costs one comparison; meant for steps that
 * happen once a batch or less, never once a row.
 */
export function failpoint(name: string): void {
  action?.(name);
}

/** Tells `given` of every failpoint from now on, in this process; the returned function ends that. One at a time. */
export function onFailpoint(given: FailpointAction): () => void {
  if (action) throw new Error('another failpoint action is installed; end it first');
  action = given;
  return () => {
    if (action === given) action = undefined;
  };
}
