/** Child process: waits for the start, then asks a keeper for a token that has to be refreshed at a rotating server. */
import { once } from 'node:events';
import { createFileTokenStore, createTokenKeeper } from '../../src/auth/index.ts';
import type { StoredToken } from '../../src/auth/index.ts';
import { HttpError, PlumbingError } from '../../src/errors/index.ts';
import { createHttpClient } from '../../src/http/index.ts';
import { Secret } from '../../src/logging/index.ts';

interface Token extends StoredToken {
  readonly refreshToken: string;
  readonly expired: boolean;
}

const [path = '', baseUrl = ''] = process.argv.slice(2);
const http = createHttpClient({ baseUrl });
const keeper = createTokenKeeper<Token>({
  store: createFileTokenStore({ path, context: 'bank', key: new Secret('ab'.repeat(32)) }),
  needsRefresh: ({ expired }) => expired,
  async refresh({ refreshToken }, signal) {
    try {
      const body = { form: { refresh_token: refreshToken } };
      return (await http.request({ method: 'POST', path: '/token', body, signal })).json() as Token;
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      throw new PlumbingError('AUTH_EXPIRED', 'the refresh token is spent');
    }
  },
  loginHint: 'log in',
});

process.send?.('ready');
await once(process, 'message');
const outcomes = await Promise.allSettled([keeper.get(), keeper.get()]);
process.send?.(
  outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.refreshToken : 'failed')),
);
process.disconnect();
