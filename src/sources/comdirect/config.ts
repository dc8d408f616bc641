/** Where the bank is, and who logs in. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readConfig } from '../../config/index.ts';
import type { Environment } from '../../config/index.ts';
import { Secret } from '../../logging/index.ts';

/** Access to the API: the client that comdirect gave out, and the person's own login. */
export interface ComdirectConfig {
  readonly clientId: Secret;
  readonly clientSecret: Secret;
  /** The access number (Zugangsnummer). */
  readonly username: Secret;
  /** The PIN. */
  readonly password: Secret;
  /** Origin of the bank, without `/api` and without a slash at its end. */
  readonly baseUrl: string;
}

/** The bank itself. Reference: comdirect REST API 4/2020, section 2. */
export const defaultBaseUrl = 'https://api.comdirect.de';

const secret = z.string().transform((value) => new Secret(value));
const variables = {
  COMDIRECT_CLIENT_ID: secret,
  COMDIRECT_CLIENT_SECRET: secret,
  COMDIRECT_USERNAME: secret,
  COMDIRECT_PASSWORD: secret,
  COMDIRECT_BASE_URL: z
    .string()
    .default(defaultBaseUrl)
    .transform((text, context) => {
      const url = normaliseBaseUrl(text);
      if (url !== undefined) return url;
      context.issues.push({
        code: 'custom',
        message: 'expected https://HOST, or http:// for this machine, without user-info and query',
        input: undefined,
      });
      return z.NEVER;
    }),
};

/**
 * The configuration from `COMDIRECT_CLIENT_ID`, `COMDIRECT_CLIENT_SECRET`, `COMDIRECT_USERNAME`, `COMDIRECT_PASSWORD`
 * and `COMDIRECT_BASE_URL` (default `https://api.comdirect.de`; a slash or `/api` at its end does no harm).
 *
 * @throws PlumbingError `CONFIG_INVALID` naming every variable that is missing or wrong.
 *
 * @example
 * ```ts
 * const token = await authenticateUserCredentials(loadComdirectConfig());
 * ```
 */
export function loadComdirectConfig(env?: Environment): ComdirectConfig {
  const values = readConfig(variables, env);
  return {
    clientId: values.COMDIRECT_CLIENT_ID,
    clientSecret: values.COMDIRECT_CLIENT_SECRET,
    username: values.COMDIRECT_USERNAME,
    password: values.COMDIRECT_PASSWORD,
    baseUrl: values.COMDIRECT_BASE_URL,
  };
}

const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Without `/api` and slashes at the end; `undefined` for what is no address of a bank. */
function normaliseBaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && loopback.test(url.hostname));
  if (!isSafe || url.username || url.password || url.search || url.hash) return undefined;
  return url.origin + url.pathname.replace(/(\/api)?\/*$/, '');
}

/** The address of the bank, however the configuration was made. */
export function bankUrl({ baseUrl }: ComdirectConfig): string {
  return normaliseBaseUrl(baseUrl) ?? baseUrl;
}

/** Names one login without telling who it is: a hash of the bank's origin, the person, and the client unless left out. */
export function loginKey(config: ComdirectConfig, scope: 'person' | 'client'): string {
  const parts = [bankUrl(config), config.username.reveal()];
  if (scope === 'client') parts.push(config.clientId.reveal());
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
