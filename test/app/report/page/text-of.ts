/** The text that a reader of a page sees, including titles of cells. */
export const textOf = (page: string): string =>
  page.replace(/<(style|script)>[^]*?<\/\1>/g, ' ').replaceAll('<wbr>', '').replace(/title="([^"]*)"/g, '>$1<').replace(/<[^>]*>/g, ' ').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&').replace(/\s+/g, ' ');
