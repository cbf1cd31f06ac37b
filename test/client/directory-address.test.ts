import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalName } from '../../core/client/directory/address.ts';
import { normalizeName } from '../../core/directory/name.ts';

const outcomeOf = async (work: () => string | Promise<string>): Promise<string> => {
  try {
    return await work();
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a name as an application writes it', () => {
  it('is normalised as the relay does it, also where the tables are not needed', async () => {
    const character = fc.constantFrom(...'abcxyzABCXYZ0189-_ .ſıKéЖ');
    const name = fc.oneof(
      fc.string({ unit: character, maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(...'abz27-'), minLength: 49, maxLength: 65 }),
    );
    await fc.assert(
      fc.asyncProperty(name, async (text) => {
        expect(await outcomeOf(() => normalName(text))).toBe(await outcomeOf(() => normalizeName(text)));
      }),
      { numRuns: 2000 },
    );
  });
});
