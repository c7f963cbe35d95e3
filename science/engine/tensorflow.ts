import type library from '@tensorflow/tfjs';
import { requirePackage } from '#setup/places.mjs';

/** The TensorFlow.js namespace, from where the backends find it, too. Its backend is chosen by {@link openEngine}. */
export const tf = requirePackage('@tensorflow/tfjs') as typeof library;
