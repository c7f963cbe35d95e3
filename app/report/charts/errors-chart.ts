import type { EChartsOption } from 'echarts';
import { figure } from '../figures.js';
import type { ErrorsView } from '../view/run-view.js';
import { colors } from './colors.js';

/** Error of every sub-block before and after the rebuild, over the layers: a panel for each kind of sub-block. */
export function errorsChart(views: readonly ErrorsView[]): EChartsOption {
  const width = 100 / views.length;
  const panel = (index: number) => ({ left: `${width * index + 7}%`, width: `${width - 9}%`, top: 34, bottom: 44 });
  return {
    textStyle: { fontFamily: 'inherit' },
    title: views.map(({ block }, index) => ({ text: block, left: `${width * index + 7}%`, top: 2, textStyle: { fontSize: 12, fontWeight: 600, color: colors.ink } })),
    grid: views.map((_, index) => panel(index)),
    xAxis: views.map(({ layers }, gridIndex) => ({
      gridIndex, type: 'category', data: layers.map(String), name: 'layer', nameLocation: 'middle', nameGap: 26,
      nameTextStyle: { color: colors.muted }, axisLabel: { color: colors.muted }, axisLine: { lineStyle: { color: colors.line } }, axisTick: { show: false },
    })),
    yAxis: views.map((_, gridIndex) => ({
      gridIndex, type: 'log', axisLabel: { color: colors.muted, formatter: (value: number) => figure(value) }, splitLine: { lineStyle: { color: colors.line } },
    })),
    series: views.flatMap(({ before, after }, index) => [
      { name: 'before', data: before, color: colors.initial },
      { name: 'after', data: after, color: colors.rebuilt },
    ].map(({ name, data, color }) => ({
      // A log axis has no place for 0: an error that is gone is left out.
      name, type: 'line' as const, xAxisIndex: index, yAxisIndex: index, data: data.map((value) => (value > 0 ? value : null)),
      symbol: 'circle', symbolSize: data.length > 40 ? 3 : 6, itemStyle: { color }, lineStyle: { color, width: 1.5 },
    }))),
  };
}
