/** Draws a page. If that fails, the page says so instead: the result of long work must not be lost because of it. */
export async function pageOrNotice(name: string, draw: () => Promise<string>): Promise<string> {
  try {
    return await draw();
  } catch (error) {
    const text = `The page of ${name} could not be drawn (${(error as Error).message}). The report is in report.md.`;
    return `<!doctype html>\n<meta charset="utf-8">\n<title>No page</title>\n<p>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</p>\n`;
  }
}
