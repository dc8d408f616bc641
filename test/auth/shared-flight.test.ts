/** Work that callers share. */
import { expect, test } from 'vitest';
import { SharedFlight } from '../../src/auth/shared-flight.ts';

/** Work that ends when it is told to, and notes each start with the signal it was given. */
function slowWork() {
  const starts: { signal: AbortSignal; finish: (result: string) => void; fail: (why: unknown) => void }[] =
    [];
  const work = (signal: AbortSignal): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    starts.push({ signal, finish: resolve, fail: reject });
    return promise;
  };
  return { starts, work };
}

test('is begun once, and its result is everyone’s; who comes later begins anew', async () => {
  const flight = new SharedFlight<string>();
  const { starts, work } = slowWork();
  const both = Promise.all([flight.join(work, undefined), flight.join(work, undefined)]);
  starts[0]?.finish('one');
  expect(await both).toEqual(['one', 'one']);
  const later = flight.join(work, undefined);
  starts[1]?.finish('two');
  expect(await later).toBe('two');
  expect(starts.map(({ signal }) => signal.aborted)).toEqual([false, false]);
});

test('that fails does so for everyone, and for nobody who comes later', async () => {
  const flight = new SharedFlight<string>();
  const { starts, work } = slowWork();
  const both = Promise.allSettled([flight.join(work, undefined), flight.join(work, undefined)]);
  starts[0]?.fail('no');
  expect((await both).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const later = flight.join(work, undefined);
  starts[1]?.finish('yes');
  expect(await later).toBe('yes');
});

test('goes on while one caller is left, and takes in new ones', async () => {
  const flight = new SharedFlight<string>();
  const { starts, work } = slowWork();
  const abort = new AbortController();
  const left = flight.join(work, abort.signal);
  const stays = flight.join(work, undefined);
  abort.abort('enough');
  await expect(left).rejects.toBe('enough');
  expect(starts[0]?.signal.aborted).toBe(false);
  const joins = flight.join(work, undefined);
  starts[0]?.finish('one');
  expect(await Promise.all([stays, joins])).toEqual(['one', 'one']);
  expect(starts).toHaveLength(1);
});

test('is told when the last caller leaves, with the reason, and is not what the next one gets', async () => {
  const flight = new SharedFlight<string>();
  const { starts, work } = slowWork();
  const abort = new AbortController();
  const left = flight.join(work, abort.signal);
  abort.abort('enough');
  await expect(left).rejects.toBe('enough');
  expect(starts[0]?.signal.reason).toBe('enough');
  const next = flight.join(work, undefined);
  // The end of the work that was left must not end the one that has begun since.
  starts[0]?.finish('old');
  await Promise.resolve();
  const third = flight.join(work, undefined);
  starts[1]?.finish('new');
  expect([await next, await third, starts.length]).toEqual(['new', 'new', 2]);
});
