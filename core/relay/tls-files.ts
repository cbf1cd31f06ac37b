/**
 * uWebSockets.js reads TLS keys from files only, and a bad one ends the process: so key and certificate are checked here
 * first, and PEM text is written to files of mode 0600 in a private directory for as long as the shards need to load it.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { OptionError } from '../protocol/errors.ts';

export interface TlsFiles {
  keyFile: string;
  certFile: string;
  /** Removes what was written; the shards have loaded it. */
  remove(): Promise<void>;
}

/** @throws OptionError when a file cannot be read, or key and certificate are not a pair. */
export async function tlsFiles(tls: {
  key: string | Uint8Array;
  cert: string | Uint8Array;
}): Promise<TlsFiles> {
  const key = await read('key', tls.key);
  const cert = await read('cert', tls.cert);
  try {
    createSecureContext({ key: key.pem, cert: cert.pem });
  } catch (cause) {
    const message = `tls.key and tls.cert are not a usable pair of PEM key and certificate: ${(cause as Error).message}.`;
    throw new OptionError(message, { cause });
  }
  if (key.path && cert.path) return { keyFile: key.path, certFile: cert.path, remove: async () => {} };
  const directory = await mkdtemp(join(tmpdir(), 'supernode-tls-'));
  const remove = () => rm(directory, { recursive: true, force: true });
  try {
    const keyFile = key.path ?? join(directory, 'key.pem');
    const certFile = cert.path ?? join(directory, 'cert.pem');
    if (!key.path) await writeFile(keyFile, key.pem, { mode: 0o600, flag: 'wx' });
    if (!cert.path) await writeFile(certFile, cert.pem, { mode: 0o600, flag: 'wx' });
    return { keyFile, certFile, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function read(name: string, given: string | Uint8Array): Promise<{ pem: Buffer; path: string | null }> {
  if (typeof given !== 'string') return { pem: Buffer.from(given), path: null };
  if (given.trimStart().startsWith('-----BEGIN')) return { pem: Buffer.from(given), path: null };
  try {
    return { pem: await readFile(given), path: resolve(given) };
  } catch (cause) {
    throw new OptionError(`tls.${name}: cannot read ${given}: ${(cause as Error).message}.`, { cause });
  }
}
