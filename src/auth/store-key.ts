/** Where the key of a token file comes from. */
import { createHash, hkdfSync, randomBytes, scrypt } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PlumbingError } from '../errors/index.ts';
import { failpoint } from '../failpoints/index.ts';
import { Secret } from '../logging/index.ts';
import { makePrivateFolder, readPrivateFile, removeStale } from './private-file.ts';

const keyBytes = 32;
/** 128 MiB and about a third of a second: dear for a thief, bearable for a refresh every ten minutes. */
const scryptCost = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };

/** The key of the file at `path`; with `existing`, `undefined` where no key file was ever made. */
export async function storeKey(
  path: string,
  salt: Buffer,
  given: Secret | undefined,
  mode: 'make',
): Promise<Buffer>;
export async function storeKey(
  path: string,
  salt: Buffer,
  given: Secret | undefined,
  mode: 'existing',
): Promise<Buffer | undefined>;
export async function storeKey(
  path: string,
  salt: Buffer,
  given: Secret | undefined,
  mode: 'make' | 'existing',
): Promise<Buffer | undefined> {
  const secret = given ?? keyFromEnvironment();
  if (secret) return fromText(secret.reveal(), salt);
  const file = join(dirname(path), 'token.key');
  const known = await readPrivateFile(file);
  // A process that died while it made the key has left a copy of it behind.
  if (known && mode === 'make') await removeStale(file);
  const key = known ?? (mode === 'make' ? await makeKeyFile(file) : undefined);
  if (key && key.length !== keyBytes) {
    throw new PlumbingError(
      'TOKEN_STORE_CORRUPT',
      `${file} is no key of ${keyBytes} bytes; restore it, or move it and the token file away and log in again`,
    );
  }
  return key && Buffer.from(hkdfSync('sha256', key, salt, 'plumbing-token', keyBytes));
}

/** 64 hex digits or 44 characters of base64 are a key; anything else is a passphrase. */
async function fromText(text: string, salt: Buffer): Promise<Buffer> {
  if (/^[\da-f]{64}$/i.test(text))
    return Buffer.from(hkdfSync('sha256', Buffer.from(text, 'hex'), salt, 'plumbing-token', keyBytes));
  if (/^[\w+/-]{43}=?$/.test(text))
    return Buffer.from(hkdfSync('sha256', Buffer.from(text, 'base64'), salt, 'plumbing-token', keyBytes));
  return stretched(text, salt);
}

/** As a secret, so that redaction knows it. */
function keyFromEnvironment(): Secret | undefined {
  const text = process.env['PLUMBING_TOKEN_KEY'];
  return text ? new Secret(text) : undefined;
}

/** Keys that were stretched last, by passphrase and salt: a file is read far more often than it is written. */
const recent = new Map<string, Promise<Buffer>>();
const maxRecent = 8;

function stretched(passphrase: string, salt: Buffer): Promise<Buffer> {
  const id = createHash('sha256').update(salt).update(passphrase).digest('hex');
  const known = recent.get(id);
  if (known) return known;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(passphrase, salt, keyBytes, scryptCost, (error, key) => (error ? reject(error) : resolve(key)));
  const [oldest] = recent.keys();
  if (recent.size === maxRecent && oldest !== undefined) recent.delete(oldest);
  recent.set(id, promise);
  return promise;
}

/** Makes the key file once, whoever comes first: a link never replaces a file that is there. */
async function makeKeyFile(file: string): Promise<Buffer> {
  await makePrivateFolder(dirname(file));
  const temporaryPath = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  const handle = await open(temporaryPath, 'wx', 0o600);
  try {
    await handle.writeFile(randomBytes(keyBytes));
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    failpoint('key.drafted');
    await link(temporaryPath, file);
    failpoint('key.made');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporaryPath, { force: true });
  }
  return (await readPrivateFile(file)) as Buffer;
}
