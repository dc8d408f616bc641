/** Configuration from the environment. */
import { z } from 'zod';
import { readConfig, secretVariable } from '../../config/index.ts';
import type { NessieOptions } from './options.ts';

/**
 * Reads the Nessie destination's configuration: `NESSIE_URI`, unless `uri` is given, `NESSIE_REF`, `NESSIE_AT`, `NESSIE_WAREHOUSE`,
 * `NESSIE_NAMESPACE`, `NESSIE_TOKEN` or `NESSIE_OAUTH2_TOKEN_URL` with `NESSIE_OAUTH2_CLIENT_ID`, `NESSIE_OAUTH2_CLIENT_SECRET` and
 * `NESSIE_OAUTH2_SCOPE`; for its storage `S3_ACCESS_KEY_ID` and `S3_SECRET_ACCESS_KEY`, or neither of them where the server gives
 * keys for each table; where needed `S3_REGION`, `S3_ENDPOINT` and `S3_SESSION_TOKEN`.
 *
 * @throws PlumbingError `CONFIG_INVALID` naming every variable that is missing or wrong, never its value.
 *
 * @example
 * ```ts
 * const destination = nessie(loadNessieConfig(process.env, 'https://nessie.example.com'));
 * ```
 */
export function loadNessieConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  uri?: string,
): NessieOptions {
  const text = z.string().optional();
  const address = z.string().describe('e.g. https://nessie.example.com');
  const usesOauth2 = env['NESSIE_OAUTH2_TOKEN_URL'] !== undefined;
  const required = usesOauth2 ? z.string().describe('of the client that asks for tokens') : text;
  const hasKeys = [env['S3_ACCESS_KEY_ID'], env['S3_SECRET_ACCESS_KEY'], env['S3_SESSION_TOKEN']].some(
    Boolean,
  );
  const accessKeyId = z.string().describe('the access key of the tables’ storage');
  const secretAccessKey = secretVariable('the secret of the access key');
  const given = readConfig(
    {
      NESSIE_URI: uri === undefined ? address : text,
      NESSIE_REF: text,
      NESSIE_AT: text,
      NESSIE_WAREHOUSE: text,
      NESSIE_NAMESPACE: text,
      NESSIE_TOKEN: secretVariable('a bearer token').optional(),
      NESSIE_OAUTH2_TOKEN_URL: text,
      NESSIE_OAUTH2_CLIENT_ID: required,
      NESSIE_OAUTH2_CLIENT_SECRET: usesOauth2
        ? secretVariable('of the client that asks for tokens')
        : secretVariable('of the client that asks for tokens').optional(),
      NESSIE_OAUTH2_SCOPE: text,
      S3_REGION: text,
      S3_ENDPOINT: text,
      S3_ACCESS_KEY_ID: hasKeys ? accessKeyId : accessKeyId.optional(),
      S3_SECRET_ACCESS_KEY: hasKeys ? secretAccessKey : secretAccessKey.optional(),
      S3_SESSION_TOKEN: secretVariable('of temporary credentials').optional(),
    },
    env,
  );
  const { NESSIE_TOKEN: token, NESSIE_OAUTH2_CLIENT_SECRET: clientSecret } = given;
  return {
    uri: uri ?? String(given.NESSIE_URI),
    ...(given.NESSIE_REF !== undefined && { ref: given.NESSIE_REF }),
    ...(given.NESSIE_AT !== undefined && { at: given.NESSIE_AT }),
    ...(given.NESSIE_WAREHOUSE !== undefined && { warehouse: given.NESSIE_WAREHOUSE }),
    ...(given.NESSIE_NAMESPACE !== undefined && { namespace: given.NESSIE_NAMESPACE }),
    ...(token && { token }),
    ...(usesOauth2 &&
      clientSecret && {
        oauth2: {
          tokenUrl: String(given.NESSIE_OAUTH2_TOKEN_URL),
          clientId: String(given.NESSIE_OAUTH2_CLIENT_ID),
          clientSecret,
          ...(given.NESSIE_OAUTH2_SCOPE !== undefined && { scope: given.NESSIE_OAUTH2_SCOPE }),
        },
      }),
    s3: {
      ...(given.S3_REGION !== undefined && { region: given.S3_REGION }),
      ...(given.S3_ENDPOINT !== undefined && { endpoint: given.S3_ENDPOINT }),
      ...(given.S3_ACCESS_KEY_ID !== undefined && { accessKeyId: given.S3_ACCESS_KEY_ID }),
      ...(given.S3_SECRET_ACCESS_KEY && { secretAccessKey: given.S3_SECRET_ACCESS_KEY }),
      ...(given.S3_SESSION_TOKEN && { sessionToken: given.S3_SESSION_TOKEN }),
    },
  };
}
