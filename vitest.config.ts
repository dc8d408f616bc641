import { defineConfig } from 'vitest/config';

// Tests that take minutes or need Python are apart, and those that repeat them at length: `npm run test:long`, `test:soak`.
const kind = process.env['PLUMBING_TESTS'];

export default defineConfig({
  test: {
    include: [kind === undefined ? 'test/**/*.test.ts' : `test/**/*.${kind}.test.ts`],
    exclude: kind === undefined ? ['**/*.{long,soak}.test.ts'] : [],
    testTimeout: kind === undefined ? 30_000 : 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // The default is one where there are two processors. Long ones often wait for a server.
    ...(kind !== 'soak' && { maxWorkers: kind === 'long' ? 3 : 2 }),
  },
});
