import { afterAll, beforeAll, describe } from 'vitest';
import { selectOn } from '../../../../science/engine/index.js';
import { openTestEngine } from '../../../helpers/engine.js';
import { needs, where } from '../../../helpers/needs.js';
import { admmCases } from './admm-cases.js';

beforeAll(() => openTestEngine());

describe('admm', admmCases);

describe('admm that selects on the device', where(needs.tensorflow), () => {
  beforeAll(() => { selectOn('device'); });
  afterAll(() => { selectOn(undefined); });
  admmCases();
});
