/** The directory of a scripted relay, in memory: as plain as it can be, with ways to refuse, to lie and to stay silent. */
import { parseRecord } from '../../core/directory/record.ts';
import { parseVault } from '../../core/directory/vault.ts';
import type { Body, Control, ControlOp } from '../../core/protocol/control.ts';
import { type Audience, STATE_AWAY, STATE_OFFLINE, STATE_ONLINE } from '../../core/protocol/directory-ops.ts';
import { MAIL_WINDOW_MESSAGES } from '../../core/protocol/limits.ts';
import * as op from '../../core/protocol/ops.ts';
import { peerIdOf } from '../../core/protocol/peer-id.ts';
import type { ScriptedRelay, ScriptedSession } from './scripted-relay.ts';

type Mail = Body<typeof op.OP_MAIL>;
type Reply = { [O in ControlOp]: { op: O; body: Body<O> } }[ControlOp];
interface Policy {
  visibility: Audience;
  reach: Audience;
  allowed: Map<string, Uint8Array>;
  blocked: Map<string, Uint8Array>;
}

export class ScriptedDirectory {
  readonly records = new Map<string, Uint8Array>();
  readonly names = new Map<string, string>();
  readonly vaults = new Map<string, Uint8Array>();
  readonly mailboxes = new Map<string, Mail[]>();
  readonly policies = new Map<string, Policy>();
  readonly watchers = new Map<ScriptedSession, Set<string>>();
  readonly away = new Set<string>();
  readonly acks: number[] = [];
  /** Requests that came, in order. */
  readonly requests: Control[] = [];
  /** May answer a request in its own way; undefined: as usual, null: not at all. */
  meddle: (frame: Control, session: ScriptedSession) => Reply | string | null | undefined = () => undefined;
  #inboxes = new Map<ScriptedSession, number>();
  #seq = 0;

  take(relay: ScriptedRelay, session: ScriptedSession, frame: Control): boolean {
    if (!op.isDirectoryOp(frame.op)) return false;
    this.requests.push(frame);
    const meddled = this.meddle(frame, session);
    if (meddled === null) return true;
    const reply = meddled === undefined ? this.#answer(relay, session, frame) : meddled;
    if (typeof reply === 'string') session.error(reply, false, { requestId: frame.requestId });
    else if (reply !== undefined) session.control(reply.op, frame.requestId, reply.body as never);
    if (frame.op === op.OP_INBOX || frame.op === op.OP_MAIL_ACK) this.#sendMail(session);
    return true;
  }

  /** Tells all watchers. */
  tell(relay: ScriptedRelay, id: string, key: Uint8Array): void {
    for (const [session, watched] of this.watchers) {
      if (!watched.has(id)) continue;
      session.control(op.OP_PRESENCE, 0, { states: [{ peer: key, ...this.#sight(relay, id) }] });
    }
  }

  put(to: string, mail: Omit<Mail, 'seq'>): Mail {
    const item = { ...mail, seq: ++this.#seq } as Mail;
    this.mailboxes.set(to, [...(this.mailboxes.get(to) ?? []), item]);
    for (const session of this.#inboxes.keys()) {
      if (session.peer !== undefined && peerIdOf(session.peer) === to) this.#sendMail(session);
    }
    return item;
  }

  policyOf(id: string): Policy {
    const known = this.policies.get(id);
    if (known !== undefined) return known;
    const policy: Policy = {
      visibility: 'everyone',
      reach: 'everyone',
      allowed: new Map(),
      blocked: new Map(),
    };
    this.policies.set(id, policy);
    return policy;
  }

  #answer(relay: ScriptedRelay, session: ScriptedSession, frame: Control): Reply | string | undefined {
    const me = peerIdOf(session.peer!);
    switch (frame.op) {
      case op.OP_PUBLISH:
        return this.#publish(me, frame.body);
      case op.OP_LOOKUP:
        return this.#lookup(relay, frame.body);
      case op.OP_SEARCH: {
        const { prefix, most = 32 } = frame.body;
        const all = [...this.names].filter(([name]) => name.startsWith(prefix)).sort();
        const found = all.map(([name, id]) => ({ name, peer: parseRecord(this.records.get(id)!).key }));
        return { op: op.OP_RESULTS, body: { found: found.slice(0, most), more: all.length > most } };
      }
      case op.OP_WATCH: {
        const watched = this.watchers.get(session) ?? new Set();
        this.watchers.set(session, watched);
        const states = frame.body.peers.map((peer) => {
          watched.add(peerIdOf(peer));
          return { peer, ...this.#sight(relay, peerIdOf(peer)) };
        });
        return { op: op.OP_PRESENCE, body: { states } };
      }
      case op.OP_UNWATCH:
        for (const peer of frame.body.peers) this.watchers.get(session)?.delete(peerIdOf(peer));
        return undefined;
      case op.OP_STATUS:
        this.away[frame.body.away ? 'add' : 'delete'](me);
        this.tell(relay, me, session.peer!);
        return undefined;
      case op.OP_VAULT_GET: {
        const vault = this.vaults.get(me);
        return {
          op: op.OP_VAULT,
          body: { revision: vault === undefined ? 0 : parseVault(vault).revision, vault },
        };
      }
      case op.OP_VAULT_PUT: {
        const stored = this.vaults.get(me);
        const { revision } = parseVault(frame.body.vault);
        if (revision !== (stored === undefined ? 0 : parseVault(stored).revision) + 1) return 'conflict';
        this.vaults.set(me, frame.body.vault);
        return { op: op.OP_STORED, body: { revision } };
      }
      case op.OP_POLICY_GET:
        return this.#policy(me, frame.body);
      case op.OP_POLICY_SET:
        return this.#setPolicy(me, frame.body);
      case op.OP_SEND:
        return this.#send(session, frame.body);
      case op.OP_INBOX:
        this.#inboxes.set(session, 0);
        return { op: op.OP_STORED, body: { revision: 0 } };
      case op.OP_MAIL_ACK:
        this.#ack(me, frame.body.seq);
        return undefined;
      default:
        return 'internal';
    }
  }

  #publish(me: string, { record, former }: Body<typeof op.OP_PUBLISH>): Reply | string {
    const { seq, name } = parseRecord(record);
    const stored = this.records.get(me);
    if (stored !== undefined && seq <= parseRecord(stored).seq) return 'stale-record';
    if (former !== undefined) this.#store(peerIdOf(parseRecord(former).key), former);
    if (name !== undefined && (this.names.get(name) ?? me) !== me) return 'name-taken';
    this.#store(me, record);
    return { op: op.OP_STORED, body: { revision: seq } };
  }

  #store(id: string, record: Uint8Array): void {
    for (const [name, owner] of this.names) if (owner === id) this.names.delete(name);
    this.records.set(id, record);
    const { name } = parseRecord(record);
    if (name !== undefined) this.names.set(name, id);
  }

  #lookup(relay: ScriptedRelay, body: Body<typeof op.OP_LOOKUP>): Reply | string {
    const id = body.peer === undefined ? this.names.get(body.name!) : peerIdOf(body.peer);
    if (id === undefined) return 'not-found';
    const record = this.records.get(id);
    const sight = this.#sight(relay, id);
    if (record === undefined && sight.state === STATE_OFFLINE) return 'not-found';
    return {
      op: op.OP_FOUND,
      body: {
        ...sight,
        peer: body.peer === undefined ? parseRecord(record!).key : undefined,
        record: body.record ? record : undefined,
      },
    };
  }

  #sight(relay: ScriptedRelay, id: string): { state: number; seenMs?: number } {
    for (const { peer } of relay.sessions) {
      if (peer !== undefined && peerIdOf(peer) === id)
        return { state: this.away.has(id) ? STATE_AWAY : STATE_ONLINE };
    }
    return this.records.has(id)
      ? { state: STATE_OFFLINE, seenMs: 1_700_000_000_000 }
      : { state: STATE_OFFLINE };
  }

  #policy(me: string, { list, after }: Body<typeof op.OP_POLICY_GET>): Reply {
    const policy = this.policyOf(me);
    const ids = list === undefined ? [] : [...policy[list].keys()].sort();
    const from = after === undefined ? 0 : ids.indexOf(peerIdOf(after)) + 1;
    const { visibility, reach } = policy;
    const keys = ids.slice(from, from + 32).map((id) => policy[list!].get(id)!);
    return { op: op.OP_POLICY, body: { visibility, reach, keys, more: ids.length > from + 32 } };
  }

  #setPolicy(me: string, body: Body<typeof op.OP_POLICY_SET>): Reply {
    const policy = this.policyOf(me);
    policy.visibility = body.visibility ?? policy.visibility;
    policy.reach = body.reach ?? policy.reach;
    for (const key of body.allow ?? []) policy.allowed.set(peerIdOf(key), key);
    for (const key of body.disallow ?? []) policy.allowed.delete(peerIdOf(key));
    for (const key of body.block ?? []) policy.blocked.set(peerIdOf(key), key);
    for (const key of body.unblock ?? []) policy.blocked.delete(peerIdOf(key));
    return { op: op.OP_STORED, body: { revision: 0 } };
  }

  #send(session: ScriptedSession, { to, id, bytes }: Body<typeof op.OP_SEND>): Reply | string {
    const receiver = peerIdOf(to);
    if (!this.records.has(receiver)) return 'refused';
    const same = (mail: Mail): boolean =>
      Buffer.from(mail.id).equals(id) && Buffer.from(mail.from).equals(session.peer!);
    if (!this.mailboxes.get(receiver)?.some(same)) {
      this.put(receiver, { from: session.peer!, id, sentMs: Date.now(), bytes });
    }
    return { op: op.OP_RECEIPT, body: { id, state: 'stored' } };
  }

  #ack(me: string, seq: number): void {
    this.acks.push(seq);
    const box = this.mailboxes.get(me) ?? [];
    this.mailboxes.set(
      me,
      box.filter((mail) => mail.seq > seq),
    );
    const taken = box.filter((mail) => mail.seq <= seq && mail.bytes !== undefined);
    const from = [...this.#inboxes.keys()].find(({ peer }) => peer !== undefined && peerIdOf(peer) === me)!
      .peer!;
    for (const mail of taken) {
      this.put(peerIdOf(mail.from), { from, id: mail.id, sentMs: mail.sentMs, receipt: 'delivered' });
    }
  }

  #sendMail(session: ScriptedSession): void {
    const sent = this.#inboxes.get(session);
    if (sent === undefined) return;
    const window = (this.mailboxes.get(peerIdOf(session.peer!)) ?? []).slice(0, MAIL_WINDOW_MESSAGES);
    for (const mail of window) if (mail.seq > sent) session.control(op.OP_MAIL, 0, mail);
    const last = window.at(-1)?.seq ?? 0;
    this.#inboxes.set(session, Math.max(sent, last));
  }
}
