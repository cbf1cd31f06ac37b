import { describe, expect, it } from 'vitest';
import type { Channel } from '../../core/client/channel.ts';
import type { Offer } from '../../core/client/node.ts';
import { join, startRelay } from './peers.ts';
import { uncaughtDuring } from './uncaught.ts';

describe('an offer', () => {
  it('is rejected when nobody takes channels', async () => {
    const relay = await startRelay();
    const [caller, callee] = await Promise.all([join(relay), join(relay)]);
    await expect(caller.open(callee.id)).rejects.toMatchObject({ name: 'ChannelError', reason: 'rejected' });
  });

  it('is accepted when there is onchannel, a listener, or incoming()', async () => {
    const relay = await startRelay();
    const caller = await join(relay);
    const arrivals: Promise<Channel>[] = [];
    const first = await join(relay);
    arrivals.push(
      new Promise((resolve) => {
        first.onchannel = ({ channel }) => resolve(channel);
      }),
    );
    const second = await join(relay);
    arrivals.push(new Promise((resolve) => second.addEventListener('channel', (e) => resolve(e.channel))));
    const third = await join(relay);
    arrivals.push(
      third
        .incoming()
        .next()
        .then(({ value }) => value!),
    );
    for (const callee of [first, second, third]) await caller.open(callee.id);
    expect((await Promise.all(arrivals)).map(({ peer }) => peer)).toEqual([caller.id, caller.id, caller.id]);
  });

  it('shows who asks and for what, and is decided by onoffer', async () => {
    const relay = await startRelay();
    const offers: Offer[] = [];
    const callee = await join(relay, {
      onoffer: (offer) => {
        offers.push(offer);
        return Promise.resolve(offer.protocol === 'wanted');
      },
    });
    const caller = await join(relay);
    await expect(caller.open(callee.id, { protocol: 'other' })).rejects.toMatchObject({ reason: 'rejected' });
    await caller.open(callee.id, { protocol: 'wanted', reliable: true, priority: 'bulk' });
    expect(offers[1]).toMatchObject({
      from: caller.id,
      reliable: true,
      priority: 'bulk',
      maxPacketLifeTime: null,
      protocol: 'wanted',
    });
  });

  it('keeps an accepted channel for the incoming() that comes later', async () => {
    const relay = await startRelay();
    const callee = await join(relay, { onoffer: () => true });
    const caller = await join(relay);
    const near = await caller.open(callee.id, { reliable: true });
    near.send('x');
    const { value: far } = await callee.incoming().next();
    expect(far?.peer).toBe(caller.id);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('at the door');
      },
    ],
    ['rejects', () => Promise.reject(new Error('at the door'))],
  ])('is rejected when onoffer %s, and the error is not lost', async (_how, onoffer) => {
    const relay = await startRelay();
    const callee = await join(relay, { onoffer });
    const caller = await join(relay);
    const errors = await uncaughtDuring(async () => {
      await expect(caller.open(callee.id)).rejects.toMatchObject({ reason: 'rejected' });
    }, 1);
    expect(errors[0]!.message).toBe('at the door');
    expect(callee.state).toBe('open');
  });

  it('tells who is deciding that the caller is gone', async () => {
    const relay = await startRelay();
    let offered = (_offer: Offer): void => {};
    const offer = new Promise<Offer>((resolve) => {
      offered = resolve;
    });
    const callee = await join(relay, {
      onoffer: (it) => {
        offered(it);
        return new Promise<boolean>(() => {});
      },
    });
    const caller = await join(relay);
    const opening = caller.open(callee.id).catch((error) => error);
    const { signal } = await offer;
    const ended = new Promise((resolve) => signal.addEventListener('abort', resolve));
    await caller.close();
    await ended;
    expect(signal.reason).toMatchObject({ name: 'ChannelError', reason: 'peer-gone' });
    expect(await opening).toMatchObject({ name: 'ChannelError' });
  });

  it('survives an onchannel that throws', async () => {
    const relay = await startRelay();
    const callee = await join(relay, {
      onchannel: () => {
        throw new Error('in onchannel');
      },
    });
    const caller = await join(relay);
    const errors = await uncaughtDuring(async () => {
      expect((await caller.open(callee.id)).readyState).toBe('open');
    }, 1);
    expect(errors[0]!.message).toBe('in onchannel');
    expect(callee.state).toBe('open');
  });
});

describe('incoming()', () => {
  it('ends when the peer is closed', async () => {
    const relay = await startRelay();
    const peer = await join(relay);
    const waiting = peer.incoming().next();
    await peer.close();
    expect((await waiting).done).toBe(true);
    expect((await peer.incoming().next()).done).toBe(true);
  });

  it('throws when the peer was closed by an error', async () => {
    const relay = await startRelay();
    const peer = await join(relay);
    const waiting = peer.incoming().next();
    relay.sessionOf(peer.id).error('disconnected', true);
    await expect(waiting).rejects.toMatchObject({ name: 'RelayError', code: 'disconnected' });
  });
});
