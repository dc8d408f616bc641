/** The conformance cases on a real Nessie server with a store that speaks S3. */
import { afterAll, beforeAll, test } from 'vitest';
import { destinationConformance } from '../../../src/testing/index.ts';
import { makeDestination } from './conformance.fixture.ts';
import { startServer } from './server.ts';
import type { TestServer } from './server.ts';

let server: TestServer | undefined;
beforeAll(async () => {
  server = await startServer();
}, 540_000);
afterAll(() => server?.close());

const module = new URL('./conformance.fixture.ts', import.meta.url);
for (const { id, title, run } of destinationConformance(makeDestination, { module, visibility: 'load' })) {
  test(`${id}: ${title}`, run, 900_000);
}
