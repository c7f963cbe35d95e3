import { existsSync } from 'node:fs';
import type { TestOptions } from 'vitest';
import { findS3Server } from '#setup/paths.mjs';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test is skipped on this machine, for the summary (skip-reporter.ts). */
    skipReason?: string;
  }
}

/** Something that some machines lack even after set-up. */
export interface Need {
  met: boolean;
  /** What is missing, and how to get it if that is possible. */
  reason: string;
}

export const needs = {
  linux: { met: process.platform === 'linux', reason: 'needs Linux' },
  root: { met: process.getuid?.() === 0, reason: 'needs root, to mount a small disk' },
  tensorflow: {
    met: existsSync('node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node'),
    reason: 'TensorFlow is not linked: install python3 with pip and a C++ compiler, then run `npm run setup`',
  },
  s3Server: {
    met: findS3Server() !== undefined,
    reason: 'no S3 server is installed: install Go 1.24 or newer, then run `node tools/setup.mjs --tests`',
  },
} satisfies Record<string, Need>;

/**
 * Options for `describe`, `it` and their `each`. The tests are skipped if a need is not met, and the summary says which one.
 * Things that set-up always provides are not needs: a test that lacks one fails (set-up.ts).
 */
export function where(...wanted: Need[]): TestOptions {
  const missing = wanted.filter(({ met }) => !met).map(({ reason }) => reason);
  return missing.length === 0 ? {} : { skip: true, meta: { skipReason: missing.join('; ') } };
}
