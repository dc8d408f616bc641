/** The cases on a server that speaks S3, with the catalog beside. */
import { afterAll, beforeAll, test } from 'vitest';
import { startS3 } from '../../../scripts/services/s3.ts';
import type { S3Service } from '../../../scripts/services/s3.ts';
import { destinationConformance } from '../../../src/testing/index.ts';
import { admin } from '../../iceberg/s3-fixture.ts';
import { bucket, makeDestination } from './conformance-s3.fixture.ts';

/** Cases that go through every step, or make a thousand loads: minutes each on a server. */
const lengthyCases: readonly number[] = [21, 26, 29];

/** Makes tests of those that take minutes, or of the others, with a server of their own. */
export function testOnS3(which: 'lengthy' | 'usual'): void {
  let service: S3Service | undefined;
  beforeAll(async () => {
    service = await startS3();
    process.env['PLUMBING_TEST_S3'] = service.endpoint;
    await admin(service.endpoint, 'PUT', bucket);
  }, 180_000);
  afterAll(() => service?.close());

  const module = new URL('./conformance-s3.fixture.ts', import.meta.url);
  for (const { id, title, run } of destinationConformance(makeDestination, { module })) {
    if (lengthyCases.includes(id) === (which === 'lengthy')) test(`${id}: ${title}`, run, 600_000);
  }
}
