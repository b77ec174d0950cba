import { defineConfig } from 'vitest/config';

const elsewhere = ['node_modules/**', 'cdk.out/**', 'dist/**', '.kbroker/**'];

/** `npm test`: everything but the slow tests, which `npm run test:all` runs. */
export default defineConfig({
  test: {
    reporters: ['default', './test/kit/closing-line-reporter.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/*.slow.test.ts', 'test/story/**', ...elsewhere],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // One story at a time: each runs a whole stack with its function processes.
        test: {
          name: 'story',
          include: ['test/story/**/*.test.ts'],
          exclude: ['**/*.slow.test.ts', ...elsewhere],
          globalSetup: ['test/story/synthesize.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
