import { defineConfig } from 'vitest/config';

/** `npm run test:all`: what is too long for `npm test`. */
export default defineConfig({
  test: {
    include: ['**/*.slow.test.ts'],
    // Slow stories run the same stack as the others.
    globalSetup: ['test/story/synthesize.ts'],
    exclude: ['node_modules/**', 'cdk.out/**', 'dist/**', '.kbroker/**'],
    testTimeout: 600_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    reporters: ['default', './test/kit/closing-line-reporter.ts'],
  },
});
