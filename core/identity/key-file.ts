/**
 * Where an identity is kept: one PEM file (PKCS#8), readable by its owner alone. Whoever can read it can be this peer.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { link, open, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SupernodeError } from '../protocol/errors.ts';
import { type Identity, identityOfKey } from './identity.ts';

const OWNER_ONLY = 0o600;
const GROUP_AND_OTHERS = 0o077;
/** An Ed25519 key in PEM has 119 bytes. A file beyond this is something else: do not read all of it to find out. */
const MAX_KEY_FILE_BYTES = 16_384;

/**
 * Reads a key file.
 * @throws SupernodeError `bad-key-file` when the file is missing or cannot be read, when it holds no Ed25519 private
 *   key, or (not on Windows) when its mode lets the group or others in.
 */
export async function loadIdentity(path: string): Promise<Identity> {
  const pem = await readKeyText(path);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw badKeyFile(path, 'holds no private key in PEM', { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw badKeyFile(path, `holds a key of type ${key.asymmetricKeyType}; it must be ed25519`);
  }
  return identityOfKey(key);
}

/**
 * Makes a fresh identity and keeps it in a file of mode 0600. The file appears whole or not at all.
 * @param options.force replace a file that is there; the identity it held is lost. Default false.
 * @throws SupernodeError `key-file-exists` when there is a file and `force` is not set; `io` when it cannot be written.
 */
export async function createKeyFile(path: string, options: { force?: boolean } = {}): Promise<Identity> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  // Written beside its place and then moved there in one step: link refuses to replace a file, rename does not.
  const draft = join(dirname(path), `.supernode-key-${randomBytes(8).toString('hex')}`);
  try {
    await writeDurably(draft, pem);
    if (options.force) {
      await rename(draft, path);
    } else {
      await link(draft, path);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new SupernodeError('key-file-exists', `The key file ${path} exists; it was left alone.`, {
        cause,
      });
    }
    throw new SupernodeError('io', `Cannot write the key file ${path}: ${(cause as Error).message}`, {
      cause,
    });
  } finally {
    await unlink(draft).catch(() => {
      // Renamed, or never created.
    });
  }
  return identityOfKey(privateKey);
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readKeyText(path: string): Promise<string> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw badKeyFile(path, 'is not a file');
    if (found.size > MAX_KEY_FILE_BYTES) throw badKeyFile(path, 'is too large to be a key');
    if (process.platform !== 'win32' && (found.mode & GROUP_AND_OTHERS) !== 0) {
      const mode = (found.mode & 0o777).toString(8).padStart(3, '0');
      throw badKeyFile(path, `can be read by others (mode ${mode}); run: chmod 600 ${path}`);
    }
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof SupernodeError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw badKeyFile(path, missing ? 'does not exist' : `cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function badKeyFile(path: string, what: string, options?: { cause: unknown }): SupernodeError {
  return new SupernodeError('bad-key-file', `The key file ${path} ${what}.`, options);
}
