/** The legend of a chart, laid out here: ECharts, without a browser, takes letters for narrower than they are. */
import { textWidth } from './label.ts';
import { columnWidth, fontFamily, ink } from './theme.ts';

/** Symbol, the gap to its text, and the gap to the next. */
const symbolWidth = 54;
const rowHeight = 24;
const margin = { left: 24, right: 20 };

/** A legend and the room it takes below the title. */
export interface PlacedLegend {
  readonly legend: Record<string, unknown>[];
  readonly height: number;
}

/** A short legend stands beside the title, a longer one in rows below it; one name needs none. */
export function placeLegend(names: readonly string[], width: number): PlacedLegend {
  if (names.length < 2) return { legend: [], height: 0 };
  const widths = names.map((name) => textWidth(name) * columnWidth + symbolWidth);
  const length = widths.reduce((sum, one) => sum + one, 0);
  const isBeside = length < width / 2 - 40;
  let left = isBeside ? width - margin.right - length : margin.left;
  let top = isBeside ? 22 : 74;
  const legend = names.map((name, i) => {
    const own = widths[i] ?? 0;
    if (!isBeside && left > margin.left && left + own > width - margin.right) {
      left = margin.left;
      top += rowHeight;
    }
    const placed = {
      data: [name],
      left,
      top,
      padding: 0,
      selectedMode: false,
      textStyle: { fontFamily, fontSize: 13, color: ink.text },
    };
    left += own;
    return placed;
  });
  return { legend, height: isBeside ? 0 : top - 74 + rowHeight };
}
