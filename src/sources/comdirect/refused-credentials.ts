/** Credentials that the bank has refused, known again without being kept. */
import { randomBytes, scrypt } from 'node:crypto';
import { z } from 'zod';
import type { ComdirectConfig } from './config.ts';

/** A salted hash of credentials. */
export const refusedSchema = z.object({ salt: z.string(), hash: z.string() });

/** A salted hash of credentials. */
export type Refused = z.infer<typeof refusedSchema>;

/** Slow on purpose, about a tenth of a second: a PIN has few digits, and the file may be copied. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

/** What is kept of credentials that the bank has refused. */
export async function refusedOf(config: ComdirectConfig): Promise<Refused> {
  const salt = randomBytes(16).toString('hex');
  return { salt, hash: await hashOf(config, salt) };
}

/** Whether these are the credentials that the bank has refused. */
export async function isRefused(config: ComdirectConfig, { salt, hash }: Refused): Promise<boolean> {
  return (await hashOf(config, salt)) === hash;
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
