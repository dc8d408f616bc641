/** Charts as pictures. */
import { loadPeer } from '../errors/optional-peer.ts';
import { PlumbingError } from '../errors/index.ts';
import type { Chart } from './chart.ts';
import { renderSvg } from './svg.ts';
import type { SizeOptions } from './svg.ts';

/** How a picture is made. */
export interface PngOptions extends SizeOptions {
  /** Picture pixels for each pixel of the chart. Default 2, sharp on today's screens. */
  readonly scale?: number;
}

/** Fonts to look for, as far as letters go that the chart's own list does not have. */
const fallbackFamily = 'DejaVu Sans';

/**
 * The chart as a PNG, with the fonts of this machine.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING` without the packages `echarts` and `@resvg/resvg-js`; `CONFIG_INVALID`
 * when this machine has no fonts, since the labels would be missing.
 */
export async function renderPng(chart: Chart, options: PngOptions = {}): Promise<Uint8Array> {
  const { Resvg } = await loadPeer('@resvg/resvg-js', () => import('@resvg/resvg-js'));
  const { scale = 2, ...size } = options;
  const font = { loadSystemFonts: true, defaultFontFamily: fallbackFamily };
  const letter = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text y="9">0</text></svg>';
  if (new Resvg(letter, { font }).getBBox() === undefined) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'this machine has no fonts, so a PNG would have no labels; install some (on Debian: apt install fonts-dejavu-core), or write SVG or HTML',
    );
  }
  const svg = await renderSvg(chart, size);
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: scale } }).render().asPng();
}
