import { beforeAll, describe } from 'vitest';
import { openTestEngine } from '../../../helpers/engine.js';
import { admmCases } from './admm-cases.js';

beforeAll(() => openTestEngine());

describe('admm', admmCases);
