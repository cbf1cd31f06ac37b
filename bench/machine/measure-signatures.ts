/** How many Ed25519 signatures Node checks in a second of this core, with a key that it has parsed before. */
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { median } from '../reporter/index.ts';

const SLICES = 9;
const CHECKS = 100;

export function measureSignatures(): number {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  /** As long as the text of a login. */
  const text = Buffer.alloc(130);
  const signature = sign(null, text, privateKey);
  const perSec = Array.from({ length: SLICES }, () => {
    const before = process.cpuUsage();
    for (let i = 0; i < CHECKS; i++) verify(null, text, publicKey, signature);
    const { user, system } = process.cpuUsage(before);
    return (CHECKS * 1e6) / (user + system);
  });
  return median(perSec);
}
