import { init, type EChartsOption } from 'echarts';

/**
 * Renders a chart as SVG. The same option gives the same bytes, and one page can have several charts.
 *
 * @param name of the chart on its page; letters only
 * @param titles tooltips, by series and point
 */
export function chartSvg(name: string, option: EChartsOption, size: { width: number; height: number }, titles: readonly (readonly string[])[] = []): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({ animation: false, ...option });
    return withoutEvents(withTitles(chart.renderToSVGString(), titles)).replaceAll(/zr\d+/g, name);
  } finally {
    chart.dispose();
  }
}

/** Adds tooltips: the library marks each point with its series and datum. */
function withTitles(svg: string, titles: readonly (readonly string[])[]): string {
  return svg.replace(/(<path [^>]*ecmeta_series_index="(\d+)" ecmeta_data_index="(\d+)"[^>]*>)<\/path>/g, (whole, head: string, series: string, datum: string) => {
    const title = titles[Number(series)]?.[Number(datum)];
    return title === undefined ? whole : `${head}<title>${escaped(title)}</title></path>`;
  });
}

/** Escapes text within an element of a picture. */
export const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

/**
 * Removes what only pointers need: hover styles, and classes that the library numbers across all charts of a process. (Ids begin with the
 * number of the chart, which the name replaces.)
 */
function withoutEvents(svg: string): string {
  return svg.replace(/<style[^>]*>[^]*?<\/style>/g, '').replaceAll(/ (?:class|pointer-events|ecmeta_\w+)="[^"]*"/g, '');
}
