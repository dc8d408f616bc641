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

  constructor(response: Response, bytes: Uint8Array, what: string) {
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

/** Whether the body claims to be JSON. */
export function saysJson({ status, headers }: HttpResponse): boolean {
  return status !== 204 && status !== 205 && /[/+]json\b/i.test(headers.get('content-type') ?? '');
}
