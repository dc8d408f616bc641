/** The simplest source there is: pages of items from a server, by number of the page. */
import { createHttpClient, readPages } from '../../src/http/index.ts';
import { defineSource, defineStream } from '../../src/model/index.ts';
import type { Source } from '../../src/model/index.ts';
import { reply, replyJson } from '../../src/testing/index.ts';
import type { Answer } from '../../src/testing/index.ts';

interface Body {
  readonly rows: readonly unknown[];
  readonly next?: string | number;
}

/** Options of the stream. */
export type ItemOptions = Omit<Parameters<typeof defineStream>[0], 'name' | 'read'>;

/** Reads `items` from the server at `url`; `options` are those of the stream. Without a schema, columns are inferred. */
export function itemSource(url: string, options: ItemOptions = { primaryKey: ['id'] }): Source {
  const retry = { maxAttempts: 3, baseDelayMs: 1 };
  const http = createHttpClient({ baseUrl: url, retry });
  const items = defineStream({
    ...options,
    name: 'items',
    async *read({ from, signal }) {
      yield* readPages(
        async (page) => {
          const query = { page, from: from as string | undefined };
          const response = await http.request({ path: 'items', query, signal });
          return response.json() as Body;
        },
        { maxPages: 50 },
      );
    },
  });
  return defineSource({ name: 'shop', streams: [items] });
}

/** Serves pages of rows as JSON text, so that they can hold what no object literal can. `from` is heeded by `day`. */
export function servePages(...pages: readonly (readonly string[])[]): Answer {
  return (response, request) => {
    const { searchParams } = new URL(request.url, 'http://shop');
    const page = Number(searchParams.get('page') ?? 0);
    const from = searchParams.get('from');
    const rows = (pages[page] ?? []).filter(
      (row) => from === null || (JSON.parse(row) as { day: string }).day >= from,
    );
    const next = page + 1 < pages.length ? `,"next":${page + 1}` : '';
    replyJson(`{"rows":[${rows.join(',')}]${next}}`)(response, request);
  };
}

/** Serves as `pages` does, but fails at page `broken` for good. */
export function failAt(broken: number, pages: Answer, status = 500): Answer {
  return (response, request) => {
    const isBroken = request.url.includes(`page=${broken}`);
    (isBroken ? reply(status) : pages)(response, request);
  };
}
