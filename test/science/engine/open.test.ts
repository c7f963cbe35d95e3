import { expect, test, vi } from 'vitest';
import { EngineUnavailable, openEngine } from '../../../science/engine/index.js';

vi.mock('../../../science/engine/native.js', () => ({
  openNative: () => Promise.reject(new Error('The specified module could not be found\nat some path')),
}));

test('without the binding, tensorflow fails with a remedy, and auto takes wasm', async () => {
  const refused = openEngine({ backend: 'tensorflow' });
  await expect(refused).rejects.toThrow(EngineUnavailable);
  await expect(refused).rejects.toThrow(/^engine: tensorflow cannot be opened \(The specified module could not be found\)\. Run `npm run setup`/);
  vi.stubEnv('LLM_BARBER_ENGINE', '');
  await expect(openEngine({ backend: 'auto' })).resolves.toMatchObject({ backend: 'wasm' });
});
