// Makes `npx supernode` work in a clone: npm links a package's own command only where it is installed as a dependency.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
chmodSync(`${root}dist/core/cli/main.js`, 0o755);
if (process.platform !== 'win32') {
  mkdirSync(`${root}node_modules/.bin`, { recursive: true });
  rmSync(`${root}node_modules/.bin/supernode`, { force: true });
  symlinkSync('../../dist/core/cli/main.js', `${root}node_modules/.bin/supernode`);
}
