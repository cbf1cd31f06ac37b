/**
 * A fixed mix of what JavaScript does all day: integer arithmetic, floating point, a Map, typed arrays larger than the
 * first cache. It allocates nothing, so that no collection falls into a measurement. It must never change: scores of two
 * machines compare only when the work was the same.
 */
const SLOTS = 16_384;
const KEYS = 512;

const integers = new Int32Array(SLOTS);
const floats = new Float64Array(SLOTS);
const map = new Map<number, number>();
for (let i = 0; i < SLOTS; i++) {
  integers[i] = Math.imul(i, 0x9e3779b1);
  floats[i] = 1 + i / SLOTS;
}
for (let i = 0; i < KEYS; i++) map.set(Math.imul(i, 0x9e3779b1) >>> 8, i);

let state = 1;

/** One unit, about 10 us. @returns what the work came to; whoever measures keeps it, so that none is left out. */
export function cpuUnit(): number {
  let hash = state;
  for (let i = 0; i < 1_500; i++) {
    hash ^= hash << 13;
    hash ^= hash >>> 17;
    hash ^= hash << 5;
    hash = Math.imul(hash, 0x85ebca6b) | 1;
  }
  let x = 1;
  for (let i = 0; i < 500; i++) x = Math.sqrt(x * 1.0001 + floats[i]!) + 1 / (x + 1);
  let found = 0;
  for (let i = 0; i < 150; i++) found += map.get(Math.imul(i * 3, 0x9e3779b1) >>> 8) ?? 0;
  let at = hash & (SLOTS - 1);
  for (let i = 0; i < 500; i++) {
    const value = integers[at]!;
    integers[at] = value + i;
    at = (at + (value & 0x3ff) + 1) & (SLOTS - 1);
  }
  state = hash;
  return (hash + at + found + Math.floor(x * 1000)) | 0;
}
