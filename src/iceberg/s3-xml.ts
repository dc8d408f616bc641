/** The little XML that S3 speaks. Every element that matters is a leaf without attributes. */
import { PlumbingError } from '../errors/index.ts';

/** One page of a list. */
export interface ListPage {
  readonly files: readonly {
    readonly key: string;
    readonly sizeBytes: number;
    readonly modifiedMs: number;
  }[];
  /** What to ask the next page with; `undefined` on the last. */
  readonly nextToken: string | undefined;
}

/** The text of the first element `name`, `undefined` when there is none. */
export function textOf(xml: string, name: string): string | undefined {
  const [before, after] = xml.split(`<${name}>`, 2);
  const end = after?.indexOf(`</${name}>`) ?? -1;
  return before === xml || end < 0 ? undefined : unescapeXml(after?.slice(0, end) ?? '');
}

/** The code in an error document, e.g. `NoSuchKey`; `undefined` for anything else. */
export function errorCodeOf(xml: string): string | undefined {
  if (!/<Error[\s>]/.test(xml)) return undefined;
  const code = textOf(xml, 'Code');
  return code !== undefined && /^[A-Za-z0-9.]{1,64}$/.test(code) ? code : 'Unknown';
}

/**
 * Reads an answer to `ListObjectsV2`.
 *
 * @throws PlumbingError `DEST_FAILED` for anything else: a list that was understood in part would hide files.
 */
export function parseListPage(xml: string, location: string): ListPage {
  const bad = (what: string): PlumbingError =>
    new PlumbingError('DEST_FAILED', `${location}: ${what}; check that the endpoint is one of S3`);
  if (!xml.includes('<ListBucketResult') || !xml.includes('</ListBucketResult>'))
    throw bad('the answer is no list');
  const encoded = textOf(xml, 'EncodingType') === 'url';
  const files = xml
    .split('<Contents>')
    .slice(1)
    .map((element) => {
      const key = textOf(element, 'Key');
      const sizeBytes = Number(textOf(element, 'Size') || Number.NaN);
      const modifiedMs = Date.parse(textOf(element, 'LastModified') ?? '');
      if (key === undefined || !Number.isSafeInteger(sizeBytes) || Number.isNaN(modifiedMs))
        throw bad('the list has an entry without key, size or date');
      return { key: encoded ? decodeListed(key) : key, sizeBytes, modifiedMs };
    });
  const nextToken = textOf(xml, 'NextContinuationToken');
  const isTruncated = textOf(xml, 'IsTruncated') === 'true';
  if (isTruncated && !nextToken) throw bad('the list is cut off without a way to go on');
  return { files, nextToken: isTruncated ? nextToken : undefined };

  function decodeListed(key: string): string {
    try {
      // A plus itself is always encoded.
      return decodeURIComponent(key.replaceAll('+', ' '));
    } catch {
      throw bad('the list has a key that does not decode');
    }
  }
}

/** The document that ends an upload in parts. */
export function completionOf(etags: readonly string[]): string {
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${etag.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(
    /&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(\w{2,4}));/g,
    (match, decimal?: string, hex?: string, name = '') => {
      const codePoint = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
      if (Number.isNaN(codePoint)) return entities[name as string] ?? match;
      return codePoint <= 0x10_ffff ? String.fromCodePoint(codePoint) : match;
    },
  );
}
