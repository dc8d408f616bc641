/** Texts in files. */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text of UTF-8 bytes, to its last character: a decoder by itself takes a leading U+FEFF away. */
export function textOfUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
