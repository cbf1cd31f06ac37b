/** What mailboxes must do, in plain arrays. */
import { MAX_MESSAGE_LIFE_MS } from '../../core/protocol/limits.ts';
import { identity } from './world.ts';

/** A message or a receipt; peers and ids are numbers. */
export interface Letter {
  seq: number;
  from: number;
  id: number;
  sentMs: number;
  expiresMs: number;
  receipt: 'delivered' | 'expired' | undefined;
}

export class MailModel {
  boxes = new Map<number, { nextSeq: number; letters: Letter[] }>();

  copy(): MailModel {
    const copy = new MailModel();
    copy.boxes = structuredClone(this.boxes);
    return copy;
  }

  box(peer: number) {
    const box = this.boxes.get(peer) ?? { nextSeq: 1, letters: [] };
    this.boxes.set(peer, box);
    return box;
  }

  add(peer: number, letter: Omit<Letter, 'seq'>): void {
    const box = this.box(peer);
    box.letters.push({ ...letter, seq: box.nextSeq++ });
  }

  send(from: number, to: number, id: number, nowMs: number, lifeMs: number): boolean {
    const isThere = this.box(to).letters.some((one) => !one.receipt && one.from === from && one.id === id);
    if (!isThere) this.add(to, { from, id, sentMs: nowMs, expiresMs: nowMs + lifeMs, receipt: undefined });
    return isThere;
  }

  acknowledge(peer: number, seq: number, nowMs: number): void {
    const box = this.box(peer);
    const taken = box.letters.filter((one) => one.seq <= seq);
    box.letters = box.letters.filter((one) => one.seq > seq);
    for (const one of taken) this.#tell(peer, one, 'delivered', nowMs);
  }

  sweep(nowMs: number): number {
    const due = [...this.boxes].flatMap(([peer, { letters }]) =>
      letters.filter((one) => one.expiresMs <= nowMs).map((one) => ({ peer, ...one })),
    );
    // As the table of expiries is sorted: by time, peer and number.
    due.sort((a, b) => a.expiresMs - b.expiresMs || compareKeys(a.peer, b.peer) || a.seq - b.seq);
    for (const box of this.boxes.values()) box.letters = box.letters.filter((one) => one.expiresMs > nowMs);
    for (const one of due) this.#tell(one.peer, one, 'expired', nowMs);
    return due.filter((one) => !one.receipt).length;
  }

  #tell(peer: number, letter: Letter, receipt: 'delivered' | 'expired', nowMs: number): void {
    if (letter.receipt) return;
    const expiresMs = nowMs + MAX_MESSAGE_LIFE_MS;
    this.add(letter.from, { from: peer, id: letter.id, sentMs: nowMs, expiresMs, receipt });
  }
}

function compareKeys(one: number, other: number): number {
  return Buffer.compare(identity(one).publicKey, identity(other).publicKey);
}
