// Damages the store's file in many ways, one at a time, and checks the store each time.
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { checkDirectory } from '../../dist/core/directory/check.js';

const [path, file, sizeText] = process.argv.slice(2);
const size = Number(sizeText);
const whole = readFileSync(file);
const ROUNDS = Number(process.argv[5] ?? 60);
// Its rows are no real records, so each is a finding: what the damage changes in the findings is what counts.
const findings = async () => JSON.stringify(await checkDirectory(path, { most: 10_000 }));
const before = await findings();
let damaged = 0;
let seed = 12345;
const below = (most) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return (seed >>> 4) % most;
};

for (let round = 0; round < ROUNDS; round++) {
  writeFileSync(file, whole);
  const descriptor = openSync(file, 'r+');
  const length = [1, 8, 64, 4096][round % 4];
  for (let times = 0; times < 3; times++) {
    writeSync(descriptor, randomBytes(length), 0, length, 8192 + below(size - 8192 - length));
  }
  closeSync(descriptor);
  if ((await findings()) !== before) damaged++;
}
process.stdout.write(JSON.stringify({ rounds: ROUNDS, damaged }));
