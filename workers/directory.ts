/** The directory worker: short, batched tasks that would cost the shards too much, by the names that the pool calls. */
import * as asks from './directory/asks.ts';
import { guarded } from './directory/guarded.ts';
import * as logins from './directory/verify-logins.ts';

export { closeStore, openStore } from './directory/open-close.ts';
export { serveReads } from './directory/serve-reads.ts';
export const read = guarded(asks.read);
export const write = guarded(asks.write);
export const verifyLogins = guarded(logins.verifyLogins);
