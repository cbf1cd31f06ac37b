import { describe, expect, it } from 'vitest';
import type { ControlPeer } from '../../../bench/load/scenarios/control-peer.ts';
import { User } from '../../../bench/load/scenarios/user.ts';
import { generateIdentity } from '../../../core/identity/identity.ts';

function peerNamed(name: string, log: string[]): ControlPeer {
  return { leave: () => log.push(`${name} left`) } as unknown as ControlPeer;
}

function later<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

describe('a user', () => {
  it('does not leave before what the coming brings is over, though the leaving was due first', async () => {
    const log: string[] = [];
    const user = new User(generateIdentity());
    const login = later<ControlPeer>();
    const came = user.come(() => login.promise);
    const left = user.leave(async () => void log.push('farewell'));
    login.resolve(peerNamed('first', log));
    await came;
    await Promise.resolve();
    log.push('news told');
    user.disengage();
    await left;
    expect(log).toEqual(['news told', 'farewell', 'first left']);
    expect(user.peer).toBe(null);
  });

  it('is in for a call that was due while the login was under way, and leaves after it', async () => {
    const log: string[] = [];
    const user = new User(generateIdentity());
    const login = later<ControlPeer>();
    const came = user.come(() => login.promise);
    const engaged = user.engage();
    const left = user.leave(async () => {});
    const peer = peerNamed('first', log);
    login.resolve(peer);
    await came;
    user.disengage();
    expect(await engaged).toBe(peer);
    log.push('call over');
    user.disengage();
    await left;
    expect(log).toEqual(['call over', 'first left']);
  });

  it('comes back once it has left', async () => {
    const log: string[] = [];
    const user = new User(generateIdentity());
    await user.come(async () => peerNamed('first', log));
    const left = user.leave(async () => {});
    const second = peerNamed('second', log);
    const back = user.come(async () => {
      log.push('back');
      return second;
    });
    user.disengage();
    await left;
    expect(await back).toBe(second);
    expect(log).toEqual(['first left', 'back']);
  });
});
