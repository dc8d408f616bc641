/** From the arguments of a command to a pipeline. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PlumbingError } from '../errors/index.ts';
import type { Source } from '../model/index.ts';
import type { Pipeline } from '../pipeline/index.ts';
import { destinationOf } from './destination-uri.ts';

/** Options of `plumbing run` that shape the pipeline. */
export interface PipelineFlags {
  readonly to?: string;
  readonly streams?: readonly string[];
  readonly since?: string;
  readonly fullRefresh?: boolean;
  readonly staged?: boolean;
  readonly checkpointRows?: number;
  readonly checkpointMs?: number;
  readonly requestsPerSecond?: number;
  readonly login: 'auto' | 'never' | 'push';
}

/** The pipeline that `what` names: a built-in source, or the default export of a file. Options of the command win over the file's. */
export async function pipelineOf(
  what: string,
  flags: PipelineFlags,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Pipeline> {
  const overrides = {
    ...(flags.streams && { streams: flags.streams }),
    ...(flags.since !== undefined && { since: flags.since }),
    ...(flags.fullRefresh && { fullRefresh: true }),
    ...(flags.staged && { staged: true }),
  };
  const checkpoint = {
    ...(flags.checkpointRows !== undefined && { rows: flags.checkpointRows }),
    ...(flags.checkpointMs !== undefined && { intervalMs: flags.checkpointMs }),
  };
  if (what === 'comdirect') {
    const source = await comdirectSource(flags, env, signal);
    return { source, destination: await destinationOf(flags.to, env), ...overrides, checkpoint };
  }
  const fromFile = await importPipeline(what);
  const destination = flags.to === undefined ? fromFile.destination : await destinationOf(flags.to, env);
  return { ...fromFile, destination, ...overrides, checkpoint: { ...fromFile.checkpoint, ...checkpoint } };
}

async function comdirectSource(
  flags: PipelineFlags,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Source> {
  const { comdirect, loadComdirectConfig } = await import('../sources/comdirect/index.ts');
  const { askPerson, loginPolicy } = await import('./challenge.ts');
  const config = loadComdirectConfig(env);
  return comdirect({
    config,
    login: loginPolicy(flags.login, config.baseUrl),
    onChallenge: askPerson(signal),
    ...(flags.requestsPerSecond !== undefined && {
      rateLimit: { requestsPerSecond: flags.requestsPerSecond },
    }),
  });
}

async function importPipeline(file: string): Promise<Pipeline> {
  const path = resolve(file);
  let module: { default?: unknown };
  try {
    module = (await import(pathToFileURL(path).href)) as { default?: unknown };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // Also when the file is JavaScript and imports TypeScript.
    const isTypeScript = code === 'ERR_UNKNOWN_FILE_EXTENSION' && /"\.[cm]?ts"/.test(message);
    throw new PlumbingError(
      'CONFIG_INVALID',
      isTypeScript
        ? `${file}: this Node (${process.version}) runs no TypeScript; use Node 22.18 or newer, or give the pipeline as JavaScript (.mjs or .js)`
        : `${file}: expected "comdirect" or a file with a pipeline; ${message}`,
      { cause },
    );
  }
  const pipeline = module.default as Partial<Pipeline> | undefined;
  if (pipeline?.source && pipeline.destination) return pipeline as Pipeline;
  throw new PlumbingError(
    'CONFIG_INVALID',
    `${file}: the default export is no pipeline; write export default definePipeline({ source, destination })`,
  );
}
