/** The tests that a mutation run repeats: in-process and fast. Child processes and the built package can't see mutants. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'test/{auth,destinations,http,pipeline}/**/*.test.ts',
      'test/sources/comdirect/{access-token,login,login-tan}.test.ts',
    ],
    exclude: [
      'test/auth/token-races.test.ts',
      'test/auth/token-kills.test.ts',
      'test/destinations/sqlite/conformance-processes.test.ts',
      'test/http/hostile-server.test.ts',
    ],
    isolate: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
