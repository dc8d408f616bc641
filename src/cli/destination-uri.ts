/** `--to sqlite:FILE`, `--to iceberg:FOLDER` or `--to nessie:`: which destination, and where. */
import { PlumbingError } from '../errors/index.ts';
import type { Destination } from '../model/index.ts';

/**
 * The destination that a URI names. Without one: `SQLITE_DB_PATH`. What the URI does not say comes from the environment.
 *
 * @throws PlumbingError `CONFIG_INVALID` for an unknown kind, a missing path or a variable that is wrong.
 */
export async function destinationOf(uri: string | undefined, env: NodeJS.ProcessEnv): Promise<Destination> {
  const { loadSqliteConfig, sqlite } = await import('../destinations/sqlite/index.ts');
  if (uri === undefined) return sqlite(loadSqliteConfig(env));
  const [, kind, path] = /^([a-z]+):(?:\/\/)?(.+)$/.exec(uri) ?? [];
  if (kind === 'sqlite' && path !== undefined) return sqlite(loadSqliteConfig(env, path));
  if (kind === 'iceberg' && path !== undefined) {
    const { iceberg, loadIcebergConfig } = await import('../destinations/iceberg/index.ts');
    return iceberg(loadIcebergConfig(env, path));
  }
  const nessieUri = /^nessie:(https?:.+)?$/.exec(uri);
  if (nessieUri) {
    const { loadNessieConfig, nessie } = await import('../destinations/nessie/index.ts');
    return nessie(loadNessieConfig(env, nessieUri[1]));
  }
  throw new PlumbingError(
    'CONFIG_INVALID',
    `--to ${uri}: expected sqlite:FILE, iceberg:FOLDER or nessie:https://HOST, e.g. sqlite:comdirect.db`,
  );
}
