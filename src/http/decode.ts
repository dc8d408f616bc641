/** Bytes to text, whatever a server claims. */

/**
 * Strict UTF-8 first, then the charset that the content type declares, then ISO-8859-1, which never fails. A byte
 * order mark is dropped. (Some banks send Latin-1 error texts as UTF-8.)
 */
export function decodeText(bytes: Uint8Array, contentType: string | null): string {
  const declared = /charset="?([\w-]+)/i.exec(contentType ?? '')?.[1];
  for (const encoding of ['utf-8', declared]) {
    if (encoding === undefined) continue;
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(bytes);
    } catch {
      // Not in this encoding, or an encoding nobody knows: the next one.
    }
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
