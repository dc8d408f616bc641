/** A real Nessie server with its storage, for the tests of one file. */
import { startNessie } from '../../../scripts/services/nessie.ts';
import { startS3 } from '../../../scripts/services/s3.ts';
import type { NessieOptions } from '../../../src/destinations/nessie/index.ts';
import { admin } from '../../iceberg/s3-fixture.ts';

/** What is running. */
export interface TestServer {
  readonly uri: string;
  readonly s3Endpoint: string;
  /** Options that reach it. */
  readonly options: NessieOptions;
  close(): Promise<void>;
}

/** Starts both; the address is in the environment as well. */
export async function startServer(settings: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const s3 = await startS3();
  try {
    await admin(s3.endpoint, 'PUT', 'lake');
    const server = await startNessie({ s3Endpoint: s3.endpoint, bucket: 'lake', settings });
    process.env['PLUMBING_TEST_NESSIE'] = server.uri;
    return {
      uri: server.uri,
      s3Endpoint: s3.endpoint,
      options: { uri: server.uri, s3: { accessKeyId: 'test', secretAccessKey: 'test' } },
      async close() {
        await server.close();
        await s3.close();
      },
    };
  } catch (error) {
    await s3.close();
    throw error;
  }
}
