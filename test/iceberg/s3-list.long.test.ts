/** Lists of objects are whole, or they fail. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { FileIo } from '../../src/iceberg/file-io.ts';
import { s3Io } from '../../src/iceberg/s3-io.ts';
import { parseListPage } from '../../src/iceberg/s3-xml.ts';
import { reply, startChaosServer } from '../../src/testing/index.ts';
import { filesBelow } from './listed.ts';
import { optionsFor, text, useS3 } from './s3-fixture.ts';
import { startProxy } from './s3-proxy.ts';

const s3 = useS3();
const { at } = s3;
let io: FileIo;

beforeAll(() => {
  io = s3Io(optionsFor(s3.endpoint));
});

test('a list of 2,050 objects is whole, with sizes and dates', async () => {
  const before = Date.now();
  const keys = Array.from({ length: 2_050 }, (_, index) => `t/${String(index).padStart(5, '0')} +%`);
  for (let start = 0; start < keys.length; start += 10)
    await Promise.all(keys.slice(start, start + 10).map((key) => io.write(at(key), text(key))));
  await using proxy = await startProxy(s3.endpoint, () => 'pass');
  const found = await Array.fromAsync(s3Io(optionsFor(proxy.endpoint)).list(at('t/')));
  expect(found.map(({ location }) => location).toSorted()).toEqual(keys.map(at));
  expect(proxy.seen).toHaveLength(3);
  for (const { sizeBytes, modifiedMs } of found) {
    expect(sizeBytes).toBe(10);
    expect(Math.abs(modifiedMs - before)).toBeLessThan(120_000);
  }
}, 120_000);

describe('lists that are not one', () => {
  const entry = (inner: string): string => `<Contents>${inner}</Contents>`;
  const whole = '<Key>a</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified>';
  const page = (inner: string): string =>
    `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</ListBucketResult>`;

  test.each([
    ['a page of a portal', '<html>Sign in</html>'],
    ['a list that breaks off', page(entry(whole)).slice(0, -5)],
    ['an entry without a size', page(entry(whole.replace('<Size>1</Size>', '')))],
    ['an entry with an empty size', page(entry(whole.replace('>1<', '><')))],
    ['an entry without a date', page(entry(whole.replace('2026', 'year')))],
    ['an entry without a key', page(entry(whole.replace('Key>a', 'No>a')))],
    [
      'a key that does not decode',
      page(`<EncodingType>url</EncodingType>${entry(whole.replace('>a<', '>%zz<'))}`),
    ],
    ['more to come, but not how', page('<IsTruncated>true</IsTruncated>')],
  ])('%s', (_what, xml) => {
    expect(() => parseListPage(xml, 's3://b/')).toThrow(expect.objectContaining({ code: 'DEST_FAILED' }));
  });

  test('one that goes in circles', async () => {
    const more = page('<IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken>');
    await using server = await startChaosServer(reply(200, more));
    await expect(filesBelow(s3Io(optionsFor(server.url)), at(''))).rejects.toMatchObject({
      code: 'DEST_FAILED',
    });
    expect(server.seen).toHaveLength(2);
  });

  test('keys are unescaped once, and plus is a space only where keys are encoded', () => {
    const keyed = (key: string): string => entry(whole.replace('>a<', `>${key}<`));
    const keys = (xml: string): string[] => parseListPage(xml, 's3://b/').files.map(({ key }) => key);
    expect(keys(page(keyed('a+&amp;lt;&#x1F600;&#233;%20')))).toEqual(['a+&lt;😀é%20']);
    expect(keys(page(`<EncodingType>url</EncodingType>${keyed('a+b%2Bc%2520')}`))).toEqual(['a b+c%20']);
  });
});
