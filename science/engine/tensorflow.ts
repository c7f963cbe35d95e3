import tfjs from '@tensorflow/tfjs';

/** The TensorFlow.js namespace. Its backend is chosen by {@link openEngine}. */
export const tf = tfjs;
