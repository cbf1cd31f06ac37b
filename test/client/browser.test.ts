/** The browser's entry: bundled as a page would have it, run here on the `ws` package's WebSocket. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type * as Entry from '../../core/client/browser.ts';
import * as op from '../../core/protocol/ops.ts';
import { next, startRelay, texts } from './peers.ts';

let folder: string;
let metafile: Metafile;
let browser: typeof Entry;

beforeAll(async () => {
  folder = await mkdtemp(joinPath(tmpdir(), 'supernode-browser-'));
  const outfile = joinPath(folder, 'client.mjs');
  const result = await build({
    entryPoints: [fileURLToPath(new URL('../../core/client/browser.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    outfile,
    metafile: true,
    logLevel: 'silent',
  });
  metafile = result.metafile;
  Object.assign(globalThis, { WebSocket });
  browser = (await import(pathToFileURL(outfile).href)) as typeof Entry;
});

afterAll(() => rm(folder, { recursive: true }));

async function join(url: string, options?: Entry.ConnectOptions) {
  const peer = await browser.connect(url, options);
  onTestFinished(() => peer.close());
  return peer;
}

describe('the client in a browser', () => {
  it('reaches no module of Node, and not the ws package', () => {
    const inputs = Object.entries(metafile.inputs);
    const imports = inputs.flatMap(([, { imports }]) => imports.map(({ path }) => path));
    expect(imports.filter((path) => path.startsWith('node:'))).toEqual([]);
    expect(imports.filter((path) => /(^|\/)(ws|node_modules\/ws)(\/|$)/.test(path))).toEqual([]);
    expect(inputs.map(([path]) => path).filter((path) => path.endsWith('-node.ts'))).toEqual([]);
    expect(inputs.length).toBeGreaterThan(10);
  });

  it('loads the tables of Unicode names only when a name needs them', async () => {
    const result = await build({
      entryPoints: [fileURLToPath(new URL('../../core/client/browser.ts', import.meta.url))],
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'browser',
      outdir: folder,
      write: false,
      metafile: true,
      logLevel: 'silent',
    });
    const outputs = Object.values(result.metafile.outputs);
    const holding = outputs.filter(({ inputs }) =>
      Object.keys(inputs).some((path) => path.includes('ens-normalize')),
    );
    expect(holding.map(({ entryPoint }) => entryPoint)).toEqual([
      expect.stringMatching(/directory\/name\.ts$/),
    ]);
  });

  it('exports what the entry for Node exports', async () => {
    const node = await import('../../core/client/node.ts');
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
  });

  it.each([false, true])(
    'logs in with its own signature, talks both ways, and comes back by ticket, early: %s',
    async (early) => {
      const relay = await startRelay({ early });
      const identity = browser.identityFromSeed(new Uint8Array(32).fill(3));
      const callee = await join(relay.url, {
        onchannel: ({ channel }) => {
          channel.onmessage = ({ data }) => channel.send(data);
          channel.onend = () => channel.end();
        },
      });
      const caller = await join(relay.url, { identity, reconnect: { baseMs: 1 } });
      expect(caller.id).toBe(identity.id);
      const channel = await caller.open(callee.id, { reliable: true });
      channel.send('to and fro');
      await Promise.all([channel.end(), texts(channel).then((all) => expect(all).toEqual(['to and fro']))]);
      const back = next<Event & { resumed: boolean }>(caller, 'reconnected');
      relay.sessionOf(caller.id).socket.terminate();
      expect((await back).resumed).toBe(true);
      expect(relay.sessionOf(caller.id).ops).toEqual(early ? [] : [op.OP_RESUME]);
    },
  );

  it('carries more than the socket takes at once', async () => {
    const relay = await startRelay();
    const callee = await join(relay.url);
    const caller = await join(relay.url);
    const arrives = callee.incoming().next();
    const near = await caller.open(callee.id, { reliable: true });
    const far = (await arrives).value!;
    for (let i = 0; i < 150; i++) near.send(new Uint8Array(60_000));
    near.end();
    let received = 0;
    for await (const message of far) received += message.length;
    expect(received).toBe(150 * 60_000);
  });

  it('says that it has no Node streams', async () => {
    const relay = await startRelay();
    const callee = await join(relay.url, { onchannel: () => {} });
    const caller = await join(relay.url);
    const channel = await caller.open(callee.id);
    expect(() => channel.toDuplex()).toThrow(
      expect.objectContaining({ name: 'SupernodeError', message: expect.stringContaining('browser') }),
    );
  });

  it('names the URL when there is no relay', async () => {
    await expect(browser.connect('ws://127.0.0.1:1')).rejects.toMatchObject({
      code: 'relay-unreachable',
      message: expect.stringContaining('ws://127.0.0.1:1/'),
    });
  });
});
