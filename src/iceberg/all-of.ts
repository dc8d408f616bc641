/** Works that go on side by side. */

/** Waits for all, also when one has failed: what the others write must not come to be after it was removed. */
export async function allOf<T>(works: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(works);
  return Promise.all(works);
}
