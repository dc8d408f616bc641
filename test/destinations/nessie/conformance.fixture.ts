/** The destination on a real server; where that is, is told by the environment, which children inherit. */
import { createHash } from 'node:crypto';
import { nessie } from '../../../src/destinations/nessie/index.ts';
import type { Destination } from '../../../src/model/index.ts';

/** Each folder is a namespace of its own. */
export function makeDestination(folder: string): Destination {
  return nessie({
    uri: String(process.env['PLUMBING_TEST_NESSIE']),
    namespace: `ns_${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`,
    lockTimeoutMs: 10_000,
    s3: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
}
