import { init, type EChartsOption } from 'echarts';

/**
 * A chart as SVG. The same option gives the same bytes, and several charts can be on one page.
 *
 * @param name of the chart on its page; letters only
 */
export function chartSvg(name: string, option: EChartsOption, size: { width: number; height: number }): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({ animation: false, ...option });
    return withoutEvents(chart.renderToSVGString()).replaceAll(/zr\d+/g, name);
  } finally {
    chart.dispose();
  }
}

/**
 * A picture without what is for pointers: hover styles, and classes that the library numbers through all charts of a process (its ids
 * begin with the number of the chart, which the name replaces).
 */
function withoutEvents(svg: string): string {
  return svg.replace(/<style[^>]*>[^]*?<\/style>/g, '').replaceAll(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '');
}
