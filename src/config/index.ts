/** Configuration from the environment. */
export { loadDotEnv, readConfig, secretVariable, stateFolder } from './config.ts';
export type { Environment } from './config.ts';
