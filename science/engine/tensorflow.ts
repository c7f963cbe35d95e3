import type library from '@tensorflow/tfjs';
import { requirePackage } from '#setup/paths.mjs';

/** The TensorFlow.js namespace, loaded from the same place as for the backends. {@link openEngine} chooses its backend. */
export const tf = requirePackage('@tensorflow/tfjs') as typeof library;
