import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { devices } from '../../../app/planning/index.js';
import { predictedPlan, predictionTable } from '../../../tools/bench/predict/table.js';
import { withTable } from '../../../tools/marked-page.js';
import { root } from '../../helpers/documents.js';

describe('the predictions of docs/performance.md', () => {
  it('match the program (otherwise run `npm run bench -- predict --write docs/performance.md`)', () => {
    const page = readFileSync(join(root, 'docs/performance.md'), 'utf8');
    expect(withTable(page, 'predictions', predictionTable())).toBe(page);
  });

  it("take at least the time of the method's products at the peak of the device", () => {
    // 4.33 forwards of 40 layers of 317,194,240 weights, for 128 windows of 2,048 tokens.
    const products = 4.33 * 40 * 2 * 317_194_240 * 128 * 2048;
    const rebuild = predictedPlan('LLaMA-13B', 'published', 'float32', 'h100').stages.find(({ type }) => type === 'rebuild')!;
    expect(rebuild.seconds).toBeGreaterThan(products / devices.h100.float32);
    expect(rebuild.seconds).toBeLessThan((3 * products) / devices.h100.float32);
  });
});
