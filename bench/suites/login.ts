/** What it costs to log in: the signature and its check, and coming back with a ticket. */
import { createHmac } from 'node:crypto';
import { type Identity, identityFromSeed } from '../../core/identity/identity.ts';
import { openTicket, RUN_BYTES, sealTicket, ticketKeyOf } from '../../core/identity/ticket.ts';
import { loginText, resumeText } from '../../core/protocol/login-text.ts';
import { workerFile } from '../../core/relay/worker-file.ts';
import { type PackedProofAnswers, packProofs } from '../../core/threads/login-posts.ts';
import type { LoginProof, VerifyTask } from '../../core/threads/messages.ts';
import { consume } from './blackhole.ts';
import { numbersFrom } from './numbers.ts';
import { defineSuite, sync, type Work } from './task.ts';

const CLIENT = 'supernode-js/0.1.0';
/** Ed25519 takes 50 to 150 us. */
const SIGNATURES = 4;
const TICKETS = 16;
const TEXTS = 64;
/** 2100: a ticket that does not end while it is measured. */
const ENDS_AT = Date.UTC(2100, 0);
const KNOWN = { plain: true, version: 0 };

/** The part of workers/directory.ts that is measured. It is named by URL, as core does. */
export interface DirectoryWorker {
  verifyLogins(task: VerifyTask): PackedProofAnswers;
}

export const loginSuite = defineSuite({
  suite: 'login',
  tasks: {
    text: {
      title: 'Put the text of a login together',
      operations: TEXTS,
      parameters: {
        bytes: loginText(new Uint8Array(32), new Uint8Array(32), new Uint8Array(32), CLIENT).length,
      },
    },
    sign: { title: 'Sign a login (client)', operations: SIGNATURES, parameters: { batch: 1 } },
    verify: {
      title: 'Check the signature of a login (directory worker)',
      operations: SIGNATURES,
      parameters: { batch: SIGNATURES },
    },
    'ticket-seal': { title: 'Make a resume ticket', operations: TICKETS, parameters: {} },
    'ticket-open': { title: 'Check a resume ticket and its proof', operations: TICKETS, parameters: {} },
  },
  async open() {
    const numbers = numbersFrom(5);
    const relay = identityFromSeed(numbers.bytes(32));
    const peer = identityFromSeed(numbers.bytes(32));
    const nonce = numbers.bytes(32);
    return {
      work: {
        text: textWork(relay, peer, nonce),
        sign: signWork(relay, peer, nonce),
        verify: await verifyWork(relay, peer, nonce),
        'ticket-seal': sealWork(relay, peer),
        'ticket-open': openWork(relay, peer, nonce),
      },
      close: async () => {},
    };
  },
});

/** @throws Error when the directory worker no longer has what is measured. */
export async function loadDirectoryWorker(): Promise<DirectoryWorker> {
  const worker = (await import(workerFile('directory'))) as Partial<DirectoryWorker>;
  if (typeof worker.verifyLogins !== 'function') {
    throw new Error('The directory worker has no verifyLogins any more: mend bench/suites/login.ts.');
  }
  return worker as DirectoryWorker;
}

function textWork(relay: Identity, peer: Identity, nonce: Uint8Array): Work {
  return sync(() => {
    for (let i = 0; i < TEXTS; i++) {
      const text = loginText(relay.publicKey, nonce, peer.publicKey, CLIENT);
      consume(text.length + text[40]!);
    }
  });
}

function signWork(relay: Identity, peer: Identity, nonce: Uint8Array): Work {
  const text = loginText(relay.publicKey, nonce, peer.publicKey, CLIENT);
  return sync(() => {
    for (let i = 0; i < SIGNATURES; i++) {
      text[50] = i;
      consume(peer.sign(text)[0]!);
    }
  });
}

/** As the pool does it, but for the hand-over to its thread: the key is parsed for each proof. */
async function verifyWork(relay: Identity, peer: Identity, nonce: Uint8Array): Promise<Work> {
  const { verifyLogins } = await loadDirectoryWorker();
  const signature = peer.sign(loginText(relay.publicKey, nonce, peer.publicKey, CLIENT));
  const proof: LoginProof = {
    slot: 0,
    generation: 1,
    peer: peer.publicKey,
    nonce,
    signature,
    client: CLIENT,
    ip: '',
    resumed: false,
  };
  const proofs = packProofs(new Array<LoginProof>(SIGNATURES).fill(proof));
  const task: VerifyTask = { relayKey: relay.publicKey, proofs };
  return sync(() => {
    const { outcomes } = verifyLogins(task);
    if (outcomes.length !== SIGNATURES || outcomes.includes(0)) throw new Error('A good login was refused.');
    consume(outcomes.length);
  });
}

function sealWork(relay: Identity, peer: Identity): Work {
  const keys = { ticketKey: ticketKeyOf(relay), run: new Uint8Array(RUN_BYTES) };
  return sync(() => {
    for (let i = 0; i < TICKETS; i++) {
      const { ticket, secret } = sealTicket(keys, peer.publicKey, { endsAt: ENDS_AT, givenMs: 0 }, KNOWN);
      consume(ticket[45]! + secret[0]!);
    }
  });
}

function openWork(relay: Identity, peer: Identity, nonce: Uint8Array): Work {
  const keys = { ticketKey: ticketKeyOf(relay), run: new Uint8Array(RUN_BYTES) };
  const { ticket, secret } = sealTicket(keys, peer.publicKey, { endsAt: ENDS_AT, givenMs: 0 }, KNOWN);
  const text = resumeText(relay.publicKey, nonce, CLIENT);
  const proof = createHmac('sha256', secret).update(text).digest();
  const now = Date.now();
  return sync(() => {
    for (let i = 0; i < TICKETS; i++) {
      const opened = openTicket(keys, ticket, proof, text, now);
      if (opened === null) throw new Error('A good ticket was refused.');
      consume(opened.peer[0]!);
    }
  });
}
