import type { EChartsOption } from 'echarts';
import { formatNumber } from '../format.js';
import type { ErrorsView } from '../view/run-view.js';
import { colors } from './colors.js';

/** Shows the error of one kind of sub-block before and after the rebuild, over the layers. */
export function errorsChart({ layers, before, after }: ErrorsView): EChartsOption {
  return {
    textStyle: { fontFamily: 'inherit' },
    grid: { left: 58, right: 12, top: 10, bottom: 44 },
    xAxis: {
      type: 'category', data: layers.map(String), name: 'layer', nameLocation: 'middle', nameGap: 26,
      nameTextStyle: { color: colors.muted }, axisLabel: { color: colors.muted }, axisLine: { lineStyle: { color: colors.line } }, axisTick: { show: false },
    },
    yAxis: { type: 'log', axisLabel: { color: colors.muted, formatter: (value: number) => formatNumber(value) }, splitLine: { lineStyle: { color: colors.line } } },
    series: [
      { name: 'before', data: before, color: colors.initial },
      { name: 'after', data: after, color: colors.rebuilt },
    ].map(({ name, data, color }) => ({
      // A logarithmic axis cannot show 0, so an error of 0 is left out.
      name, type: 'line' as const, data: data.map((value) => (value > 0 ? value : null)),
      symbol: 'circle', symbolSize: data.length > 40 ? 3 : 7, itemStyle: { color }, lineStyle: { color, width: 1.5 },
    })),
  };
}
