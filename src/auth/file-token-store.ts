/** A token store in an encrypted file, shared by all processes of its owner. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { PlumbingError } from '../errors/index.ts';
import type { Secret } from '../logging/index.ts';
import { readPrivateFile, removePrivateFile, writeFileAtomic } from './private-file.ts';
import { withProcessLock } from './process-lock.ts';
import { storeKey } from './store-key.ts';
import type { StoredToken, TokenStore } from './token-store.ts';

/** Options of {@link createFileTokenStore}. */
export interface FileTokenStoreOptions {
  /** The file. Its lock and, without another key, its key file stand beside it. */
  readonly path: string;
  /** What the file belongs to, e.g. bank and client: a file can't be swapped for one of another context. */
  readonly context: string;
  /** Encrypts the file. Default: `PLUMBING_TOKEN_KEY`, else a key file with mode 0600 made at first use. */
  readonly key?: Secret | undefined;
  /** Default 30,000. */
  readonly lockTimeoutMs?: number;
}

const saltBytes = 16;

/** The file: JSON, all bytes in base64. */
interface Envelope {
  readonly v: 1;
  readonly alg: 'A256GCM';
  readonly salt: string;
  readonly iv: string;
  readonly tag: string;
  readonly ct: string;
}

/**
 * Keeps one token in a file, encrypted with AES-256-GCM and bound to its context. Writes are durable and atomic; the
 * file has mode 0600 in a folder of mode 0700.
 *
 * Errors: `TOKEN_STORE_CORRUPT` when the file was changed, cut off, or written with another key or context (it stays as
 * it is); `TOKEN_STORE_UNSAFE` when others may read it; `LOCK_TIMEOUT` (retryable).
 *
 * @example
 * ```ts
 * const store = createFileTokenStore({ path: '/var/lib/app/comdirect.token', context: 'api.comdirect.de' });
 * ```
 */
export function createFileTokenStore(options: FileTokenStoreOptions): TokenStore {
  const { path, context } = options;
  const aad = Buffer.from(`plumbing-token:1:${context}`);
  const holder = new AsyncLocalStorage<true>();

  const read = async (): Promise<StoredToken | undefined> => {
    const bytes = await readPrivateFile(path);
    if (!bytes) return undefined;
    const corrupt = (): PlumbingError =>
      new PlumbingError(
        'TOKEN_STORE_CORRUPT',
        `${path} can't be decrypted: it was damaged, or written with another key; check PLUMBING_TOKEN_KEY, or move the file away and log in again`,
      );
    const envelope = parseEnvelope(bytes);
    if (!envelope) throw corrupt();
    const key = await storeKey(path, Buffer.from(envelope.salt, 'base64'), options.key, 'existing');
    if (!key) throw corrupt();
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(envelope.iv, 'base64'), {
        authTagLength: 16,
      });
      decipher.setAAD(aad).setAuthTag(Buffer.from(envelope.tag, 'base64'));
      const text = Buffer.concat([
        decipher.update(Buffer.from(envelope.ct, 'base64')),
        decipher.final(),
      ]).toString('utf8');
      return JSON.parse(text) as StoredToken;
    } catch {
      throw corrupt();
    }
  };

  const write = async (token: StoredToken): Promise<void> => {
    const stored = await read();
    if (stored && stored.issuedAtMs > token.issuedAtMs) return;
    const salt = randomBytes(saltBytes);
    const key = await storeKey(path, salt, options.key, 'make');
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: 16 }).setAAD(aad);
    const ct = Buffer.concat([cipher.update(JSON.stringify(token), 'utf8'), cipher.final()]);
    const base64 = (bytes: Buffer): string => bytes.toString('base64');
    const envelope: Envelope = {
      v: 1,
      alg: 'A256GCM',
      salt: base64(salt),
      iv: base64(iv),
      tag: base64(cipher.getAuthTag()),
      ct: base64(ct),
    };
    await writeFileAtomic(path, `${JSON.stringify(envelope)}\n`);
  };

  const requireWritable = async (): Promise<void> => {
    await storeKey(path, randomBytes(saltBytes), options.key, 'make');
  };

  const clear = async (issuedAtMs?: number): Promise<void> => {
    if (issuedAtMs === undefined) await removePrivateFile(path);
    else if ((await read())?.issuedAtMs === issuedAtMs) await removePrivateFile(path);
  };

  const withLock = <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    withProcessLock(`${path}.lock`, () => holder.run(true, work), {
      timeoutMs: options.lockTimeoutMs,
      signal,
    });
  // Comparing and replacing must be one step among processes; a holder of the lock is inside it already.
  const locked = (work: () => Promise<void>): Promise<void> => (holder.getStore() ? work() : withLock(work));

  return {
    read,
    write: (token) => locked(() => write(token)),
    requireWritable: () => locked(requireWritable),
    clear: (issuedAtMs) => locked(() => clear(issuedAtMs)),
    withLock,
  };
}

/** Strict: any change of the file's bytes, also one that base64 would forgive, makes it invalid. */
function parseEnvelope(bytes: Buffer): Envelope | undefined {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Partial<Envelope>;
    const canonical = (text: unknown): boolean =>
      typeof text === 'string' && Buffer.from(text, 'base64').toString('base64') === text;
    if (value.v !== 1 || value.alg !== 'A256GCM') return undefined;
    if (![value.salt, value.iv, value.tag, value.ct].every(canonical)) return undefined;
    const { v, alg, salt, iv, tag, ct } = value as Envelope;
    const envelope: Envelope = { v, alg, salt, iv, tag, ct };
    if (`${JSON.stringify(envelope)}\n` !== bytes.toString('utf8')) return undefined;
    return Buffer.from(envelope.tag, 'base64').length === 16 ? envelope : undefined;
  } catch {
    return undefined;
  }
}
