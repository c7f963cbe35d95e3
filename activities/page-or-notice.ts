/** A page that cannot be drawn says so itself: the result of long work must not be lost to it. */
export async function pageOrNotice(name: string, draw: () => Promise<string>): Promise<string> {
  try {
    return await draw();
  } catch (error) {
    const text = `The page of ${name} could not be drawn (${(error as Error).message}). The report is in report.md.`;
    return `<!doctype html>\n<meta charset="utf-8">\n<title>No page</title>\n<p>${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</p>\n`;
  }
}
