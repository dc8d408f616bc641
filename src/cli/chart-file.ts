/** `--out FILE`: a chart as a private file, of the form that its name says. */
import { extname } from 'node:path';
import type { Chart } from '../charts/index.ts';
import { PlumbingError } from '../errors/index.ts';

const forms = ['.svg', '.png', '.html'];

/**
 * Refuses a file name that says no form, before anything is asked or drawn.
 *
 * @throws PlumbingError `CONFIG_INVALID`
 */
export function checkChartFile(path: string): void {
  if (!forms.includes(extname(path).toLowerCase()))
    throw new PlumbingError('CONFIG_INVALID', `--out ${path}: the name must end in .svg, .png or .html`);
}

/**
 * Draws the chart into a file that only its owner may read; a file of that name is replaced, as a whole or not at all.
 *
 * @throws PlumbingError `CONFIG_INVALID`, `OPTIONAL_PEER_MISSING`
 */
export async function writeChartFile(path: string, chart: Chart): Promise<void> {
  checkChartFile(path);
  const { renderHtml, renderPng, renderSvg } = await import('../charts/index.ts');
  const { writeFileAtomic } = await import('../auth/index.ts');
  const form = extname(path).toLowerCase();
  const render = form === '.png' ? renderPng : form === '.html' ? renderHtml : renderSvg;
  await writeFileAtomic(path, await render(chart), { isOurFolder: false });
}
