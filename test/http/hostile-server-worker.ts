/** Child process: reads what a hostile server sends, in little memory, and reports. It must end by itself. */
import { createHttpClient, parseJson } from '../../src/http/index.ts';

const [baseUrl = ''] = process.argv.slice(2);
const http = createHttpClient({ baseUrl, timeoutMs: 20_000, retry: { maxAttempts: 1 } });
const codeOf = (error: { code: string }): string => error.code;
const before = process.memoryUsage.rss();
const codes = [
  await http.request({ path: '/bomb' }).then(() => 'read', codeOf),
  await http.request({ path: '/endless' }).then(() => 'read', codeOf),
];
try {
  parseJson('['.repeat(200_000));
} catch (error) {
  codes.push(codeOf(error as { code: string }));
}
process.send?.({ codes, grownMiB: (process.memoryUsage.rss() - before) / 2 ** 20 });
process.disconnect();
