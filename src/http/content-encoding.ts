/** Undoes the content codings of a body. Reference: RFC 9110, section 8.4. */
import { pipeline } from 'node:stream';
import type { Duplex, Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { PlumbingError } from '../errors/index.ts';

/** More layers than anybody needs are refused: each one multiplies what a few bytes can grow to. */
const maxLayers = 3;

const decoders: ReadonlyMap<string, () => Duplex> = new Map([
  ['gzip', () => createGunzip()],
  ['x-gzip', () => createGunzip()],
  ['deflate', () => createInflate()],
  ['br', () => createBrotliDecompress()],
]);

/**
 * `body` as it was before its codings; as it is where one of them is not known. A body that ends too early or does not
 * decode fails the stream.
 *
 * @throws PlumbingError `LIMIT_EXCEEDED` for more than three codings.
 */
export function decoded(body: Readable, contentEncoding: string | null): Readable {
  const codings = (contentEncoding ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length > maxLayers) {
    throw new PlumbingError(
      'LIMIT_EXCEEDED',
      `the body was encoded ${codings.length} times over, which is refused beyond ${maxLayers}`,
    );
  }
  const layers = codings.toReversed().map((coding) => decoders.get(coding));
  if (!layers.every((layer) => layer !== undefined)) return body;
  // An error in any of them reaches whoever reads the last one.
  return layers.reduce<Readable>((from, decoder) => pipeline(from, decoder(), () => undefined), body);
}
