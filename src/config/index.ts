/** Configuration from the environment. */
export { loadDotEnv } from './dot-env.ts';
export { readConfig, secretVariable, stateFolder } from './read-config.ts';
export type { Environment } from './read-config.ts';
