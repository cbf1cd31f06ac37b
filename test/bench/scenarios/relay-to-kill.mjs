/** A relay in a process of its own, for a test that kills it. Says its address over IPC. */
import { createRelay } from '../../../dist/core/index.js';

const relay = await createRelay({ port: 0, shards: 1 });
process.once('disconnect', () => process.exit());
process.send(relay.url);
