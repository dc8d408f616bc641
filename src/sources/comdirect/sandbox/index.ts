/** A local bank that behaves like comdirect, for development and tests. */
export { startComdirectSandbox } from './sandbox.ts';
export type { ComdirectSandbox } from './sandbox.ts';
export { defaultCredentials } from './options.ts';
export type { AccountType, SandboxCredentials, SandboxOptions, TanMethod } from './options.ts';
export type { Fault, FaultKind } from './faults.ts';
export type { LoginState } from './login.ts';
export type { SandboxStats, SeenRequest } from './request-log.ts';
