/** Files with one JSON object a line. */
export { jsonLines } from './json-lines.ts';
