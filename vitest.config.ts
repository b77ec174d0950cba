import { defineConfig } from 'vitest/config';

/** `npm test`: everything but the slow tests, which `npm run test:all` runs. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/*.slow.test.ts', 'node_modules/**', 'cdk.out/**', 'dist/**', '.kbroker/**'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    reporters: ['default', './test/kit/closing-line-reporter.ts'],
  },
});
