import type { EChartsOption } from 'echarts';
import type { RoundsView } from '../view/run-view.js';
import { colors } from './colors.js';

/**
 * Shows the held-out error over the rounds of the guarded search, with one line for each sub-block. A ring marks a round that was undone.
 */
export function roundsChart(views: readonly RoundsView[]): EChartsOption {
  const most = Math.max(...views.map(({ points }) => points.length));
  const opacity = Math.max(0.25, Math.min(0.9, 12 / views.length));
  return {
    textStyle: { fontFamily: 'inherit' },
    grid: { left: 54, right: 16, top: 14, bottom: 44 },
    xAxis: {
      type: 'category', boundaryGap: false, data: Array.from({ length: most }, (_, round) => String(round)), name: 'round', nameLocation: 'middle', nameGap: 26,
      nameTextStyle: { color: colors.muted }, axisLabel: { color: colors.muted }, axisLine: { lineStyle: { color: colors.line } }, axisTick: { show: false },
    },
    yAxis: { type: 'value', min: 0, axisLabel: { color: colors.muted, formatter: (value: number) => `${value} %` }, splitLine: { lineStyle: { color: colors.line } } },
    series: views.map(({ layer, block, points }) => {
      const color = block === 'attention' ? colors.rebuilt : colors.dense;
      return {
        name: `layer ${layer} ${block}`, type: 'line' as const, lineStyle: { color, width: 1.3, opacity },
        data: points.map(({ share, accepted }) => ({
          value: 100 * share, symbol: 'circle', symbolSize: accepted ? 4 : 7,
          itemStyle: accepted ? { color, opacity } : { color: 'transparent', borderColor: colors.bad, borderWidth: 1.5 },
        })),
      };
    }),
  };
}
