import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import { connect, createRelay, identityFromSeed, type Peer, type Relay } from 'supernode';
import type * as Client from 'supernode/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM, FLAGS } from '../fixtures/chromium.ts';
import { cuttable } from '../fixtures/cuttable.ts';

const PAGE = `<!doctype html><title>supernode</title>
<script type="module">import * as client from '/client.js'; globalThis.supernode = client;</script>`;

/** The client as a browser gets it: resolved by the package's own `browser` condition, in one file. */
async function bundledClient(): Promise<string> {
  const bundle = await build({
    stdin: {
      contents: `export * from 'supernode/client';`,
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  });
  return bundle.outputFiles[0]!.text;
}

describe('the client in a browser', () => {
  it('bundles for a browser without anything of Node', async () => {
    const code = await bundledClient();
    expect(code).not.toMatch(/from\s*["']node:/);
    expect(code).not.toMatch(/require\(["']node:/);
  });
});

// CI installs Chromium, and there its absence is a failure; elsewhere a machine may do without.
describe.skipIf(!process.env['CI'] && !existsSync(CHROMIUM))('in Chromium', () => {
  let relay: Relay;
  let server: Server;
  let browser: Browser;
  let page: Page;
  let node: Peer;

  beforeAll(async () => {
    relay = await createRelay({ port: 0, shards: 2 });
    const code = await bundledClient();
    server = createServer((request, response) => {
      const script = request.url === '/client.js';
      response.writeHead(200, { 'Content-Type': script ? 'text/javascript' : 'text/html' });
      response.end(script ? code : PAGE);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'supernode' in globalThis);
    node = await connect(relay.url);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await node?.close();
    server?.close();
    await relay?.close();
  });

  it('talks to a peer in Node over a reliable channel, both ways and in order', async () => {
    node.onchannel = ({ channel }) => {
      channel.onmessage = ({ data }) => channel.send(data);
    };
    const echoed = await page.evaluate(
      async ({ url, to }) => {
        const client = (globalThis as unknown as { supernode: typeof Client }).supernode;
        const peer = await client.connect(url);
        const channel = await peer.open(to, { reliable: true });
        const sizes = [1, 200, 255, 256, 5_000, 65_526];
        for (const [index, size] of sizes.entries()) channel.send(new Uint8Array(size).fill(index + 1));
        const got: { size: number; first: number; last: number }[] = [];
        for await (const data of channel) {
          got.push({ size: data.length, first: data[0]!, last: data[data.length - 1]! });
          if (got.length === sizes.length) break;
        }
        await peer.close();
        return got;
      },
      { url: relay.url, to: node.id },
    );
    expect(echoed).toEqual(
      [1, 200, 255, 256, 5_000, 65_526].map((size, index) => ({ size, first: index + 1, last: index + 1 })),
    );
  });

  it('gives the identity that the same seed gives in Node', async () => {
    const seed = Uint8Array.from({ length: 32 }, (_, index) => index);
    const id = await page.evaluate(async (bytes) => {
      const client = (globalThis as unknown as { supernode: typeof Client }).supernode;
      return client.identityFromSeed(Uint8Array.from(bytes)).id;
    }, Array.from(seed));
    expect(id).toBe(identityFromSeed(seed).id);
  });

  it('publishes, looks up, keeps contacts and exchanges messages with a peer in Node', async () => {
    await node.publish({ name: 'in-node', profile: { runs: 'Node' } });
    node.messages.addEventListener('message', async ({ from, data }) => {
      await node.messages.send(from, data);
    });
    const seen = await page.evaluate(
      async ({ url, friend }) => {
        const client = (globalThis as unknown as { supernode: typeof Client }).supernode;
        const peer = await client.connect(url);
        // Not ASCII: the tables of Unicode are loaded on demand.
        const own = await peer.publish({ name: 'BÜCHER', searchable: true });
        const found = await peer.lookup('in-node');
        await peer.contacts.add(friend, { name: 'Friend' });
        await peer.messages.send('in-node', 'to and fro');
        const echo = (await peer.messages[Symbol.asyncIterator]().next()).value as Client.Message;
        const contacts = await peer.contacts.list();
        await peer.close();
        return {
          id: peer.id,
          name: own.name,
          found: { id: found?.id, state: found?.state, profile: found?.record?.profile },
          contacts: contacts.map(({ id, name }) => ({ id, name })),
          echo: { from: echo.from, text: echo.text() },
        };
      },
      { url: relay.url, friend: node.id },
    );
    expect(seen).toEqual({
      id: expect.any(String),
      name: 'bücher',
      found: { id: node.id, state: 'online', profile: { runs: 'Node' } },
      contacts: [{ id: node.id, name: 'Friend' }],
      echo: { from: node.id, text: 'to and fro' },
    });
    // The record that the browser signed verifies here.
    expect((await node.lookup('bücher'))?.record).toMatchObject({ id: seen.id, name: 'bücher' });
  });

  it('comes back by its ticket in the request when its connection was cut', async () => {
    const way = await cuttable(relay.port);
    const before = relay.stats().logins;
    await page.evaluate(async (url) => {
      const client = (globalThis as unknown as { supernode: typeof Client }).supernode;
      const peer = await client.connect(url, { reconnect: { baseMs: 1, capMs: 20 } });
      const back = new Promise<boolean>((resolve) => {
        peer.addEventListener('reconnected', ({ resumed }) => resolve(resumed));
      });
      Object.assign(globalThis, { cutPeer: peer, back });
    }, way.url);
    way.cut();
    const resumed = await page.evaluate(async () => {
      const { back, cutPeer } = globalThis as unknown as { back: Promise<boolean>; cutPeer: Client.Peer };
      const answer = await back;
      await cutPeer.close();
      return answer;
    });
    expect(resumed).toBe(true);
    const after = relay.stats().logins;
    expect([after.full - before.full, after.resumed - before.resumed, after.early - before.early]).toEqual([
      1, 1, 1,
    ]);
  });

  it('accepts a realtime channel from Node', async () => {
    const heard = page.evaluate(async (url) => {
      const client = (globalThis as unknown as { supernode: typeof Client }).supernode;
      const peer = await client.connect(url);
      (globalThis as { peerId?: string }).peerId = peer.id;
      for await (const channel of peer.incoming()) {
        for await (const data of channel)
          return { reliable: channel.reliable, text: new TextDecoder().decode(data) };
      }
      return null;
    }, relay.url);
    await page.waitForFunction(() => (globalThis as { peerId?: string }).peerId !== undefined);
    const id = await page.evaluate(() => (globalThis as { peerId?: string }).peerId!);
    const channel = await node.open(id, { priority: 'audio' });
    channel.send('from Node');
    expect(await heard).toEqual({ reliable: false, text: 'from Node' });
  });
});
