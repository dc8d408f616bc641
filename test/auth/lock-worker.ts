/** Child process: adds to a counter under the lock, tries to get it, or holds it until it is killed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createFileTokenStore } from '../../src/auth/index.ts';
import { Secret } from '../../src/logging/index.ts';

const [path = '', script = ''] = process.argv.slice(2);
const store = createFileTokenStore({
  path,
  context: 'bank',
  key: new Secret('ab'.repeat(32)),
  ...(script === 'try' && { lockTimeoutMs: 50 }),
});

if (script === 'hold') {
  await store.withLock(async () => {
    process.send?.('held');
    await new Promise((resolve) => setTimeout(resolve, 60_000));
  });
} else if (script === 'try') {
  await store
    .withLock(async () => process.send?.('got it'))
    .catch((error: { code: string }) => process.send?.(error.code));
} else {
  for (let i = 0; i < 10; i++) {
    await store.withLock(async () => {
      const n = Number(readFileSync(script, 'utf8'));
      await new Promise(setImmediate);
      writeFileSync(script, String(n + 1));
    });
  }
}
process.disconnect();
