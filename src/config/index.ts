/** Configuration from the environment. */
export { loadDotEnv, readConfig, stateFolder } from './config.ts';
export type { Environment } from './config.ts';
