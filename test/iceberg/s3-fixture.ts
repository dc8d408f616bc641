/** A bucket for each test, on a server that each test file has for itself. */
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { startS3 } from '../../scripts/services/s3.ts';
import type { S3Service } from '../../scripts/services/s3.ts';
import type { S3Options } from '../../src/iceberg/s3-io.ts';

export const credentials = {
  region: 'us-east-1',
  accessKeyId: 'canary-id',
  secretAccessKey: 'canary-secret',
};

/** Options for a server on this machine. */
export const optionsFor = (endpoint: string): S3Options => ({ ...credentials, endpoint });

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Names that need care somewhere on their way through URLs, signatures and XML. */
export const oddNames = [
  'day=2026-01-01/x.parquet',
  'name=a%20b%2Fc/x',
  'with space',
  'plus+plus',
  'Größe/日本語/😀',
  'quotes\'"!*()',
  'amp&lt;<>',
  'a//b',
  'hash#query?x=1&y=2;z',
  'tilde~dot.under_score-',
  'back\\slash|pipe^`{}[]',
  'colon:at@comma,dollar$',
  '100%',
  '..a/.b/c..',
  ' leading and trailing ',
];

/** Sends a request that no FileIo would; the answer must be 200. */
export async function admin(endpoint: string, method: string, path: string): Promise<string> {
  const client = new AwsClient({ ...credentials, service: 's3' });
  const response = await client.fetch(`${endpoint}/${path}`, { method });
  expect(response.status).toBe(200);
  return response.text();
}

/** What the tests of a file share. */
export interface S3Fixture {
  readonly endpoint: string;
  readonly bucket: string;
  /** The location of a key in the bucket of the test. */
  at(key: string): string;
}

/** Starts a server before the tests of a file, and makes a bucket before each. */
export function useS3(): S3Fixture {
  let service: S3Service | undefined;
  let number = 0;
  const fixture = {
    endpoint: '',
    bucket: '',
    at: (key: string): string => `s3://${fixture.bucket}/${key}`,
  };
  beforeAll(async () => {
    service = await startS3();
    fixture.endpoint = service.endpoint;
  }, 120_000);
  afterAll(() => service?.close());
  beforeEach(async () => {
    fixture.bucket = `bucket-${++number}`;
    await admin(fixture.endpoint, 'PUT', fixture.bucket);
  });
  return fixture;
}
