/** A peer's key as the key of a Map: a text of 32 characters, the cheapest that there is. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
