import { decodeText } from './decode.ts';
import { parseJson } from './json.ts';
import type { HttpResponse } from './types.ts';

/** An answer whose body is there. Text and JSON are made when asked for. */
export class Answer implements HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly #what: string;
  #json: { readonly value: unknown } | undefined;

  constructor(response: Pick<HttpResponse, 'status' | 'headers'>, bytes: Uint8Array, what: string) {
    this.status = response.status;
    this.headers = response.headers;
    this.bytes = bytes;
    this.#what = what;
  }

  text(): string {
    return decodeText(this.bytes, this.headers.get('content-type'));
  }

  json(): unknown {
    this.#json ??= { value: parseJson(this.text(), `${this.#what}: the body`) };
    return this.#json.value;
  }
}

/**
 * Whether the body must be JSON: it says so, or it is a page for people where the request took JSON only, as proxies and
 * servers under repair send.
 */
export function mustBeJson({ status, headers }: HttpResponse, accept: string | null): boolean {
  if (status === 204 || status === 205) return false;
  const type = headers.get('content-type') ?? '';
  return /[/+]json\b/i.test(type) || (/^text\/html\b/i.test(type) && accept === 'application/json');
}
