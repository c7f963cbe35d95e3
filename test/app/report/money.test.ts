import { expect, it } from 'vitest';
import { moneyText } from '../../../app/report/money.js';
import { renderRunPage } from '../../../app/report/page/run-page.js';
import { renderReport } from '../../../app/report/report.js';
import { exampleRequest } from './page/example-request.js';

it.each([[3600, 2.5, '2.50 EUR'], [80, 2.5, '0.056 EUR'], [36_000, 0, '0.00 EUR'], [0, 2, '0.00 EUR'], [1800, 0.3, '0.15 EUR']])('formats %d seconds at %d an hour as %s', (seconds, perHour, text) => {
  expect(moneyText(seconds, { cost: { perHour, currency: 'EUR' } })).toBe(text);
});

it('shows the cost of a run on page and report if the pipeline has the price of an hour', async () => {
  const request = exampleRequest(1);
  const priced = { ...request, pipeline: { ...request.pipeline, cost: { perHour: 90, currency: '<USD>' } } };
  // 80 of 3600 seconds.
  expect(await renderRunPage(priced)).toContain('2.00 &lt;USD&gt;');
  expect(renderReport(priced.result, priced.pipeline)).toContain('Cost at the hourly price: 2.00 <USD>.');
  expect(renderReport(request.result, request.pipeline)).not.toContain('price');
});
