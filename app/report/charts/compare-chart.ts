import type { EChartsOption } from 'echarts';
import type { ComparedErrors } from '../view/compare-view.js';
import { colors, lineColors, lineSign } from './colors.js';
import { scaleOf } from './scale.js';

/** Shows the errors left by the rebuilds of several runs in one kind of sub-block, over the layers. */
export function compareChart({ layers, left }: ComparedErrors): EChartsOption {
  // An error of 0 cannot be shown on a logarithmic axis.
  const shown = left.map((own) => own.map((value) => (value !== undefined && value > 0 ? value : undefined)));
  const { axis, at } = scaleOf(shown.flat().filter((value) => value !== undefined), 'number');
  return {
    textStyle: { fontFamily: 'inherit' },
    grid: { left: 62, right: 14, top: 12, bottom: 46 },
    xAxis: {
      type: 'category', data: layers.map(String), name: 'layer', nameLocation: 'middle', nameGap: 28,
      nameTextStyle: { color: colors.muted }, axisLabel: { color: colors.muted }, axisLine: { lineStyle: { color: colors.line }, onZero: false }, axisTick: { show: false },
    },
    yAxis: axis,
    series: shown.map((own, run) => ({
      type: 'line' as const, data: own.map((value) => (value === undefined ? null : at(value))),
      symbol: lineSign(run)[0], symbolSize: layers.length > 40 ? 3 : 7, itemStyle: { color: runColor(run) }, lineStyle: { color: runColor(run), width: 1.6 },
    })),
  };
}

export const runColor = (run: number): string => lineColors[run % lineColors.length];
