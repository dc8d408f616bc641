/** The same destination with its files in S3; the server is told by the environment, which children inherit. */
import { iceberg } from '../../../src/destinations/iceberg/index.ts';
import type { Destination } from '../../../src/model/index.ts';

export const bucket = 'conformance';

export function makeDestination(folder: string): Destination {
  return iceberg({
    warehouse: `s3://${bucket}${folder}`,
    catalog: `${folder}/catalog.db`,
    busyTimeoutMs: 300,
    lockTimeoutMs: 10_000,
    s3: {
      endpoint: String(process.env['PLUMBING_TEST_S3']),
      region: 'us-east-1',
      accessKeyId: 'test',
      secretAccessKey: 'test',
    },
  });
}
