/** Tokens: where they are kept, and how they stay valid. */
export { Secret } from '../logging/index.ts';
export type { StoredToken, TokenStore } from './token-store.ts';
export { createMemoryTokenStore } from './memory-token-store.ts';
export { createFileTokenStore } from './file-token-store.ts';
export type { FileTokenStoreOptions } from './file-token-store.ts';
export { createTokenKeeper } from './token-keeper.ts';
export type { TokenKeeper, TokenKeeperOptions } from './token-keeper.ts';
export { withProcessLock } from './process-lock.ts';
export type { LockOptions } from './process-lock.ts';
export { makePrivateFolder, readPrivateFile, removePrivateFile, writeFileAtomic } from './private-file.ts';
