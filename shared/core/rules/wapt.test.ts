import { describe } from 'vitest';
import { pack, testCases } from '#test/kit/rules/cases.ts';

const id = '0000000a-0000-4000-8000-000000000000';

describe("WAPT's lists", () => {
  testCases([
    {
      name: 'forbidden id before forbidden KB',
      packages: [pack('w', { wapt: { forbiddenKbs: ['5000001'], forbiddenUpdates: [`${id}_200`] } })],
      code: 'forbidden',
      reason: `forbidden by wapt.forbiddenUpdates of "w": update ${id}_200`,
      by: 'w wapt',
    },
    {
      name: 'a forbidden id does not cover the next revision, as in WAPT',
      packages: [pack('w', { wapt: { forbiddenUpdates: [`${id}_200`], allowedKbs: ['5000002'] } })],
      update: { revision: 201 },
      code: 'allowed',
      reason: 'allowed by wapt.allowedKbs of "w": KB5000002',
      by: 'w wapt',
    },
    {
      name: 'an id without a revision covers all of them',
      packages: [pack('w', { wapt: { forbiddenUpdates: [id] } })],
      update: { revision: 201 },
      code: 'forbidden',
      reason: `forbidden by wapt.forbiddenUpdates of "w": update ${id}`,
      by: 'w wapt',
    },
    {
      name: 'forbidden KB before allowed id',
      packages: [pack('w', { wapt: { allowedUpdates: [`${id}_200`], forbiddenKbs: ['5000002'] } })],
      code: 'forbidden',
      reason: 'forbidden by wapt.forbiddenKbs of "w": KB5000002',
      by: 'w wapt',
    },
    {
      name: 'allowed id before allowed KB',
      packages: [pack('w', { wapt: { allowedKbs: ['5000001'], allowedUpdates: [`${id}_200`] } })],
      code: 'allowed',
      reason: `allowed by wapt.allowedUpdates of "w": update ${id}_200`,
      by: 'w wapt',
    },
    {
      name: 'allowed KB before allowed product',
      packages: [
        pack('w', { wapt: { allowedProducts: ['Windows 10, version 1903 and later'], allowedKbs: ['5000001'] } }),
      ],
      code: 'allowed',
      reason: 'allowed by wapt.allowedKbs of "w": KB5000001',
      by: 'w wapt',
    },
    {
      name: 'allowed product, by title in any case, before allowed severity',
      packages: [
        pack('w', {
          wapt: { allowedSeverities: ['Critical'], allowedProducts: ['windows 10, version 1903 AND LATER'] },
        }),
      ],
      code: 'allowed',
      reason: 'allowed by wapt.allowedProducts of "w": product Windows 10, version 1903 and later',
      by: 'w wapt',
    },
    {
      name: 'allowed product by id',
      packages: [pack('w', { wapt: { allowedProducts: ['000000B2-0000-4000-8000-000000000000'] } })],
      code: 'allowed',
      reason: 'allowed by wapt.allowedProducts of "w": product 000000b2-0000-4000-8000-000000000000',
      by: 'w wapt',
    },
    {
      name: 'allowed severity before allowed classification',
      packages: [
        pack('w', { wapt: { allowedClassifications: ['Security Updates'], allowedSeverities: ['Critical'] } }),
      ],
      code: 'allowed',
      reason: 'allowed by wapt.allowedSeverities of "w": severity Critical',
      by: 'w wapt',
    },
    {
      name: 'allowed classification',
      packages: [pack('w', { wapt: { allowedClassifications: ['SECURITY updates'], allowedSeverities: ['Low'] } })],
      code: 'allowed',
      reason: 'allowed by wapt.allowedClassifications of "w": classification Security Updates',
      by: 'w wapt',
    },
    {
      name: 'no severity is in no list of severities',
      packages: [pack('w', { wapt: { allowedSeverities: ['Critical', 'Important', 'Moderate', 'Low'] } })],
      update: { severity: undefined, kbs: [] },
      code: 'default-deny',
      reason: 'no rule allows an update without a KB number without a severity, and the default is to hold back',
    },
    {
      name: 'lists of packages are united: the order of the lists counts before priority',
      packages: [
        pack('a', { priority: 9, wapt: { allowedProducts: ['Windows 10, version 1903 and later'] } }),
        pack('b', { wapt: { allowedKbs: ['5000001'] } }),
      ],
      code: 'allowed',
      reason: 'allowed by wapt.allowedKbs of "b": KB5000001',
      by: 'b wapt',
    },
    {
      name: "one package's forbid before another's allow",
      packages: [
        pack('a', { priority: 9, wapt: { allowedUpdates: [`${id}_200`] } }),
        pack('b', { wapt: { forbiddenKbs: ['5000001'] } }),
      ],
      code: 'forbidden',
      reason: 'forbidden by wapt.forbiddenKbs of "b": KB5000001',
      by: 'b wapt',
    },
    {
      name: 'an entry of two packages is named by the one of higher priority',
      packages: [
        pack('a', { wapt: { allowedKbs: ['5000001'] } }),
        pack('b', { priority: 1, wapt: { allowedKbs: ['5000001'] } }),
      ],
      code: 'allowed',
      reason: 'allowed by wapt.allowedKbs of "b": KB5000001',
      by: 'b wapt',
    },
    {
      name: 'of two entries that match, the package of higher priority is named',
      packages: [
        pack('a', { wapt: { forbiddenUpdates: [id], forbiddenKbs: ['5000001'] } }),
        pack('b', { priority: 1, wapt: { forbiddenUpdates: [`${id}_200`] } }),
      ],
      code: 'forbidden',
      reason: `forbidden by wapt.forbiddenUpdates of "b": update ${id}_200`,
      by: 'b wapt',
    },
  ]);
});
