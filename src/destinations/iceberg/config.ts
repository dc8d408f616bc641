/** Configuration from the environment. */
import { z } from 'zod';
import { readConfig, secretVariable } from '../../config/index.ts';
import type { S3Options } from '../../iceberg/s3-io.ts';
import type { IcebergOptions } from './options.ts';

/**
 * Reads the Iceberg destination's configuration: `ICEBERG_WAREHOUSE`, unless `warehouse` is given, and `ICEBERG_CATALOG`,
 * `ICEBERG_NAMESPACE`; for a warehouse in S3 also `S3_REGION`, `S3_ACCESS_KEY_ID`, `S3_SECRET_ACCESS_KEY`, and where needed
 * `S3_ENDPOINT` and `S3_SESSION_TOKEN`.
 *
 * @throws PlumbingError `CONFIG_INVALID` naming every variable that is missing or wrong, never its value.
 *
 * @example
 * ```ts
 * const destination = iceberg(loadIcebergConfig(process.env, 's3://lake/bank'));
 * ```
 */
export function loadIcebergConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  warehouse?: string,
): IcebergOptions {
  const text = z.string().optional();
  const given = readConfig(
    {
      ICEBERG_WAREHOUSE:
        warehouse === undefined ? z.string().describe('a folder, or s3://bucket/prefix') : text,
      ICEBERG_CATALOG: text,
      ICEBERG_NAMESPACE: text,
    },
    env,
  );
  const place = warehouse ?? String(given.ICEBERG_WAREHOUSE);
  return {
    warehouse: place,
    ...(given.ICEBERG_CATALOG !== undefined && { catalog: given.ICEBERG_CATALOG }),
    ...(given.ICEBERG_NAMESPACE !== undefined && { namespace: given.ICEBERG_NAMESPACE }),
    ...(/^s3[an]?:/.test(place) && { s3: s3Options(env) }),
  };
}

function s3Options(env: Readonly<Record<string, string | undefined>>): S3Options {
  const variables = readConfig(
    {
      S3_REGION: z.string().describe('e.g. eu-central-1; some stores take "auto"'),
      S3_ACCESS_KEY_ID: z.string().describe('the access key'),
      S3_SECRET_ACCESS_KEY: secretVariable('the secret of the access key'),
      S3_ENDPOINT: z.string().optional(),
      S3_SESSION_TOKEN: secretVariable('of temporary credentials').optional(),
    },
    env,
  );
  return {
    region: variables.S3_REGION,
    accessKeyId: variables.S3_ACCESS_KEY_ID,
    secretAccessKey: variables.S3_SECRET_ACCESS_KEY,
    ...(variables.S3_ENDPOINT !== undefined && { endpoint: variables.S3_ENDPOINT }),
    ...(variables.S3_SESSION_TOKEN && { sessionToken: variables.S3_SESSION_TOKEN }),
  };
}
