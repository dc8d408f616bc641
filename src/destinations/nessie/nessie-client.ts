/** Requests to Nessie's own API, version 2. */
import { PlumbingError } from '../../errors/index.ts';
import type { HttpClient, HttpRequest } from '../../http/index.ts';
import { sendAuthorized } from '../../iceberg/rest-credentials.ts';
import type { CatalogHeaders } from '../../iceberg/rest-credentials.ts';
import { refusal } from '../../iceberg/rest-refusal.ts';

/** Asks a server. `http` is bound to `/api/v2/`. */
export class NessieClient {
  readonly #http: HttpClient;
  readonly #headers: CatalogHeaders;

  constructor(http: HttpClient, headers: CatalogHeaders) {
    this.#http = http;
    this.#headers = headers;
  }

  /** All entries of a list that comes in pages. */
  async pages(path: string, list: string, query: Readonly<Record<string, string>>): Promise<unknown[]> {
    const found: unknown[] = [];
    for await (const entries of this.eachPage(path, list, query)) found.push(...entries);
    return found;
  }

  /** A list, page by page. */
  async *eachPage(
    path: string,
    list: string,
    query: Readonly<Record<string, string>>,
  ): AsyncGenerator<readonly unknown[]> {
    for (let token: string | undefined; ;) {
      const page = (await this.get(path, { ...query, ...(token && { 'page-token': token }) })) as Record<
        string,
        unknown
      >;
      yield (page[list] as unknown[] | undefined) ?? [];
      if (page['hasMore'] !== true) return;
      if (page['token'] === token)
        throw new PlumbingError('PAGINATION_LOOP', `Nessie's answer to ${path} does not go on`);
      token = page['token'] as string;
    }
  }

  /** Reads; a refusal is an error that says what to do. */
  async get(path: string, query: Readonly<Record<string, string>> = {}): Promise<unknown> {
    try {
      return await this.send({ path, query });
    } catch (error) {
      throw refusal(error);
    }
  }

  /** Sends a request once; errors are those of HTTP. */
  async send(request: HttpRequest): Promise<unknown> {
    // Only to clients of version 2 the server tells what stands in the way of a merge.
    const answer = await sendAuthorized(this.#headers, (headers) =>
      this.#http.request({ ...request, headers: { 'nessie-client-spec': '2', ...headers } }),
    );
    return answer.bytes.byteLength === 0 ? undefined : answer.json();
  }
}
