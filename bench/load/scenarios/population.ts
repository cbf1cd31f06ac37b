/** The users of a supernode at a relay: does what the timeline says, each thing as soon as those who do it are in. */

import { MAX_KEYS_PER_FRAME } from '../../../core/protocol/limits.ts';
import { LoadFault } from '../fault.ts';
import { Call } from './call.ts';
import { contactsOf } from './contacts.ts';
import type { ControlPeer } from './control-peer.ts';
import { logInAll, logInPatiently, newIdentities } from './crowd.ts';
import { faultOf } from './deadline.ts';
import { Draws } from './draws.ts';
import type { Operation } from './operation.ts';
import type { Pacer } from './pacer.ts';
import { Pipe } from './pipe.ts';
import { RelayRefusal } from './refusal.ts';
import type { Totals } from './running-scenario.ts';
import type { SupernodeOperation, SupernodePlan } from './scenario.ts';
import { someAtATime } from './some-at-a-time.ts';
import * as mix from './supernode-mix.ts';
import { Switchboard } from './switchboard.ts';
import type { Couple, Happening } from './timeline.ts';
import { User } from './user.ts';

type Of<K extends Happening['kind']> = Extract<Happening, { kind: K }>;

/** Something that two users have a part in. */
interface Shared<T> {
  users: Couple;
  begun: Promise<T>;
}

export type SupernodeOperations = Record<SupernodeOperation, Operation>;

export class Population {
  readonly #plan: SupernodePlan;
  readonly #fail: (fault: LoadFault) => void;
  readonly #operations: SupernodeOperations;
  readonly #pacer: Pacer;
  readonly #switchboard: Switchboard;
  readonly #draws: Draws;
  readonly #users: User[];
  /** The peers of the users, null for those who are out: keep-alive goes round them. */
  readonly peers: (ControlPeer | null)[];
  readonly #calls = new Map<number, Shared<Call>>();
  readonly #conversations = new Map<number, Shared<Pipe>>();
  /** What has begun and is not over. */
  readonly #underWay = new Set<Promise<void>>();
  readonly #totals: Totals = { packets: 0, lost: 0 };
  /** Called before a user's peer leaves. */
  onleaving: (peer: ControlPeer) => void = () => {};
  callsEnded = 0;
  leaves = 0;
  /** When each user's presence last changed, by key: a change that is told over and over is one. */
  readonly #changedAtMs = new Map<string, number>();
  readonly #away = new Set<number>();

  constructor(
    plan: SupernodePlan,
    users: number,
    operations: SupernodeOperations,
    pacer: Pacer,
    fail: (fault: LoadFault) => void,
  ) {
    this.#plan = plan;
    this.#fail = fail;
    this.#operations = operations;
    this.#pacer = pacer;
    this.#switchboard = new Switchboard(fail);
    this.#draws = new Draws(~plan.seed);
    this.#users = newIdentities(users).map((identity) => new User(identity));
    this.peers = Array.from({ length: users }, () => null);
  }

  get online(): number {
    return this.peers.reduce((count, peer) => count + (peer ? 1 : 0), 0);
  }

  get callsUp(): number {
    return this.#calls.size;
  }

  get conversations(): number {
    return this.#conversations.size;
  }

  /** The users from 0 to peers - 1 come in, and watch their contacts. */
  async comeIn(): Promise<void> {
    const { address, peers, concurrency } = this.#plan;
    const users = this.#users.slice(0, peers);
    const identities = users.map(({ identity }) => identity);
    const loggedIn = await logInAll(address, identities, concurrency, this.#switchboard);
    const byIdentity = new Map(loggedIn.map((peer) => [peer.identity, peer]));
    await Promise.all(
      users.map(async (user, i) => {
        this.peers[i] = await user.come(async () => byIdentity.get(user.identity)!);
        user.disengage();
      }),
    );
    const each = users.map((_, i) => i);
    await someAtATime(each, concurrency, (i) => this.#watch(i, this.peers[i]!));
  }

  /** @param dueAtMs when it was to happen, as performance.now() has it. */
  begin(happening: Happening, dueAtMs: number): void {
    this.#track(this.#happen(happening, dueAtMs));
  }

  /** Waits for everything that has begun, but for the calls and conversations that go on. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Every call and every conversation ends. */
  async endAll(): Promise<Totals> {
    await this.settled();
    for (const call of [...this.#calls.keys()]) this.#track(this.#hangUp(call));
    for (const conversation of [...this.#conversations.keys()]) this.#track(this.#part(conversation));
    await this.settled();
    return this.#totals;
  }

  /** Everybody is gone at once. */
  abandon(): void {
    for (const peer of this.peers) peer?.leave();
    this.peers.fill(null);
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work
      .catch((error) => this.#fail(faultOf(error)))
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  #happen(happening: Happening, dueAtMs: number): Promise<void> {
    switch (happening.kind) {
      case 'call':
        return this.#call(happening, dueAtMs);
      case 'hang-up':
        return this.#hangUp(happening.call);
      case 'converse':
        return this.#converse(happening);
      case 'message':
        return this.#message(happening, dueAtMs);
      case 'part':
        return this.#part(happening.conversation);
      case 'leave':
        return this.#leave(happening.user);
      case 'come':
        return this.#come(happening.user, dueAtMs);
      case 'presence':
        return this.#changePresence(happening.user, dueAtMs);
    }
  }

  async #call({ call, users, video, signalBytes }: Of<'call'>, dueAtMs: number): Promise<void> {
    const { 'set-up': setUp, signal, audio, video: pictures } = this.#operations;
    const span = setUp.beginDue(dueAtMs);
    const media = [{ priority: 'audio' as const, medium: mix.AUDIO[this.#plan.audio], operation: audio }];
    const seen = { priority: 'video' as const, medium: mix.VIDEO, operation: pictures };
    const world = { switchboard: this.#switchboard, pacer: this.#pacer, draws: this.#draws };
    const begun = this.#couple(users).then(async ([caller, callee]) => {
      await this.#lookUp(caller, callee);
      return Call.setUp(
        world,
        { caller, callee, signalBytes, media: video ? [...media, seen] : media },
        signal,
      );
    });
    this.#calls.set(call, { users, begun });
    await begun;
    setUp.end(span, performance.now());
  }

  async #hangUp(id: number): Promise<void> {
    const call = this.#calls.get(id);
    // The timeline ends a call that was cut by the end of the run.
    if (!call) return;
    this.#calls.delete(id);
    const { packets, lost } = await (await call.begun).hangUp();
    this.#count(packets, lost);
    this.callsEnded++;
    this.#disengage(call.users);
  }

  async #converse({ conversation, users }: Of<'converse'>): Promise<void> {
    const kind = { priority: 'message', reliable: true } as const;
    const begun = this.#couple(users).then(([one, other]) =>
      Pipe.open(this.#switchboard, one, other, kind, this.#operations.message),
    );
    this.#conversations.set(conversation, { users, begun });
    await begun;
  }

  async #message({ conversation, from, bytes }: Of<'message'>, dueAtMs: number): Promise<void> {
    const pipe = await this.#conversations.get(conversation)?.begun;
    if (pipe) (from === 0 ? pipe.there : pipe.back).send(bytes, dueAtMs);
  }

  async #part(id: number): Promise<void> {
    const conversation = this.#conversations.get(id);
    if (!conversation) return;
    this.#conversations.delete(id);
    const pipe = await conversation.begun;
    await pipe.close();
    this.#count(pipe.sent, pipe.lost);
    this.#disengage(conversation.users);
  }

  async #come(id: number, dueAtMs: number): Promise<void> {
    const { login } = this.#operations;
    const span = login.beginDue(dueAtMs);
    const user = this.#users[id]!;
    const peer = await user.come(async () => {
      const outcome = await logInPatiently(this.#plan.address, user.identity, this.#switchboard);
      if (outcome instanceof RelayRefusal) throw outcome;
      return outcome;
    });
    const nowMs = performance.now();
    login.end(span, nowMs);
    this.peers[id] = peer;
    this.#changed(id, nowMs);
    await this.#watch(id, peer);
    user.disengage();
  }

  async #changePresence(id: number, dueAtMs: number): Promise<void> {
    const peer = await this.#users[id]!.engage();
    const isAway = !this.#away.delete(id);
    if (isAway) this.#away.add(id);
    if (this.#plan.presence === 'watches') peer.sayAway(isAway);
    this.#changed(id, dueAtMs);
    this.#users[id]!.disengage();
  }

  async #leave(id: number): Promise<void> {
    await this.#users[id]!.leave(async (peer) => {
      this.#changed(id, performance.now());
      this.#away.delete(id);
      this.peers[id] = null;
      this.onleaving(peer);
    });
    this.leaves++;
  }

  #changed(id: number, atMs: number): void {
    this.#changedAtMs.set(keyText(this.#users[id]!.identity.publicKey), atMs);
  }

  /** As many frames as it takes, one after the other. */
  async #watch(id: number, peer: ControlPeer): Promise<void> {
    if (this.#plan.presence === 'none') return;
    const contacts = contactsOf(id, this.#users.length, this.#plan.seed).filter((contact) => contact !== id);
    const keys = contacts.map((contact) =>
      typeof contact === 'number' ? this.#users[contact]!.identity.publicKey : contact,
    );
    peer.onpresence = (key) => this.#heard(key);
    for (let at = 0; at < keys.length; at += MAX_KEYS_PER_FRAME) {
      const startMs = performance.now();
      await peer.watch(keys.slice(at, at + MAX_KEYS_PER_FRAME));
      this.#operations['look-up'].countDone(startMs, performance.now());
    }
  }

  /** A watcher hears of a change. The state that it was watched with may come again: then nothing has changed. */
  #heard(key: Uint8Array): void {
    const changedAtMs = this.#changedAtMs.get(keyText(key));
    if (changedAtMs !== undefined) this.#operations.presence.countDone(changedAtMs, performance.now());
  }

  async #lookUp(caller: ControlPeer, callee: ControlPeer): Promise<void> {
    if (this.#plan.presence === 'none') return;
    const startMs = performance.now();
    await caller.lookUp(callee.identity.publicKey);
    this.#operations['look-up'].countDone(startMs, performance.now());
  }

  async #couple([one, other]: Couple): Promise<[ControlPeer, ControlPeer]> {
    return Promise.all([this.#users[one]!.engage(), this.#users[other]!.engage()]);
  }

  #disengage(users: Couple): void {
    for (const user of users) this.#users[user]!.disengage();
  }

  #count(packets: number, lost: number): void {
    this.#totals.packets += packets;
    this.#totals.lost += lost;
    if (lost > 0) throw new LoadFault('lost', `${lost} of ${packets} packets of a call were lost.`);
  }
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}
