/** Bytes to text, whatever a server claims. */
import { isUtf8 } from 'node:buffer';

const byteOrderMark = '\ufeff';

/**
 * Strict UTF-8 first, then the charset that the content type declares, then ISO-8859-1, which never fails. A byte
 * order mark is dropped. (Some banks send Latin-1 error texts as UTF-8.)
 */
export function decodeText(bytes: Uint8Array, contentType: string | null): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) {
    // Faster than a TextDecoder, which would go over the bytes a second time.
    const text = buffer.toString();
    return text.startsWith(byteOrderMark) ? text.slice(1) : text;
  }
  const declared = /charset="?([\w-]+)/i.exec(contentType ?? '')?.[1];
  if (declared !== undefined) {
    try {
      return new TextDecoder(declared, { fatal: true }).decode(bytes);
    } catch {
      // Not in this encoding, or an encoding nobody knows.
    }
  }
  return buffer.toString('latin1');
}
