// Makes `npx supernode` work in a clone: npm links a package's own command only where it is installed as a dependency.
// And gives the workspace benchmark-reporter its built files, which are built with the rest.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
chmodSync(`${root}dist/core/cli/main.js`, 0o755);
rmSync(`${root}bench/reporter/dist`, { force: true, recursive: true });
// A junction needs no rights on Windows, and is a plain link elsewhere.
symlinkSync(
  process.platform === 'win32' ? `${root}dist/bench/reporter` : '../../dist/bench/reporter',
  `${root}bench/reporter/dist`,
  'junction',
);
if (process.platform !== 'win32') {
  mkdirSync(`${root}node_modules/.bin`, { recursive: true });
  rmSync(`${root}node_modules/.bin/supernode`, { force: true });
  symlinkSync('../../dist/core/cli/main.js', `${root}node_modules/.bin/supernode`);
}
