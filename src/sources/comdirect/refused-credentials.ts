/** Credentials that the bank has refused, known again without being kept. */
import { randomBytes, scrypt } from 'node:crypto';
import { z } from 'zod';
import type { ComdirectConfig } from './config.ts';

/** Salted hashes of credentials, the latest last. */
export const refusedSchema = z.object({ salt: z.string(), hashes: z.array(z.string()) });

/** Salted hashes of credentials, the latest last. */
export type Refused = z.infer<typeof refusedSchema>;

/** Jobs with different wrong credentials must not make each other forget. */
const maxHashes = 20;

/** Slow on purpose, about a tenth of a second: a PIN has few digits, and the file may be copied. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** What is kept of credentials that the bank has refused, beside `earlier` ones. */
export async function withRefused(config: ComdirectConfig, earlier: Refused | undefined): Promise<Refused> {
  const { salt, hashes } = earlier ?? { salt: randomBytes(16).toString('hex'), hashes: [] };
  const hash = await hashOf(config, salt);
  return { salt, hashes: [...hashes.filter((each) => each !== hash), hash].slice(-maxHashes) };
}

/** Whether the bank has refused these credentials. */
export async function isRefused(config: ComdirectConfig, { salt, hashes }: Refused): Promise<boolean> {
  return hashes.includes(await hashOf(config, salt));
}

async function hashOf(config: ComdirectConfig, salt: string): Promise<string> {
  const { clientId, clientSecret, username, password } = config;
  const text = JSON.stringify([clientId, clientSecret, username, password].map((secret) => secret.reveal()));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  scrypt(text, salt, 32, cost, (error, key) => {
    if (error) reject(error);
    else resolve(key.toString('hex'));
  });
  return promise;
}
