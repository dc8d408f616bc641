/** The cases on a server that speaks S3, with the catalog beside; those that take minutes there are apart. */
import { afterAll, beforeAll, test } from 'vitest';
import { startS3 } from '../../../scripts/services/s3.ts';
import type { S3Service } from '../../../scripts/services/s3.ts';
import { destinationConformance } from '../../../src/testing/index.ts';
import { admin } from '../../iceberg/s3-fixture.ts';
import { bucket, makeDestination, lengthyCases } from './conformance-s3.fixture.ts';

let service: S3Service | undefined;
beforeAll(async () => {
  service = await startS3();
  process.env['PLUMBING_TEST_S3'] = service.endpoint;
  await admin(service.endpoint, 'PUT', bucket);
}, 180_000);
afterAll(() => service?.close());

const module = new URL('./conformance-s3.fixture.ts', import.meta.url);
for (const { id, title, run } of destinationConformance(makeDestination, { module })) {
  if (!lengthyCases.includes(id)) test(`${id}: ${title}`, run, 600_000);
}
