/**
 * How a relay comes to listen. Where the system spreads connections over sockets that share a port (SO_REUSEPORT, Linux),
 * each shard listens by itself: a login costs the relay a tenth less than when the main thread accepts its connection and
 * hands it over, and an embedder that keeps the main thread busy keeps nobody waiting. Elsewhere an acceptor on the main
 * thread deals connections out. With TLS shards listen in any case: an SSL acceptor with child apps crashes.
 *
 * Never on port 0 itself: uWebSockets.js then leaves out SO_REUSEADDR, and while connections are in TIME_WAIT a relay that
 * comes back could not have its port again. So a free one is found first, and another when somebody took it meanwhile.
 */
import type { ToShard } from '../threads/messages.ts';
import { type Acceptor, createAcceptor } from '../transport/uws.ts';
import { FREE_PORT_TRIES } from './limits.ts';
import { listenError, probePort } from './port.ts';

export interface ListeningHost {
  readonly shards: number;
  readonly tls: boolean;
  tell(shard: number, message: ToShard): void;
}

export class Listening {
  readonly #host: ListeningHost;
  #acceptor: Acceptor | null = null;
  #descriptors: readonly unknown[] = [];
  /** What the shards said of the listening that they were told to begin; null: nothing is awaited. */
  #answers: {
    missing: number;
    everyone: boolean;
    done(everyone: boolean): void;
    fail(error: Error): void;
  } | null = null;

  constructor(host: ListeningHost) {
    this.#host = host;
  }

  /**
   * @param found a port that was free a moment ago. @param port what was asked for: for 0 another one will do.
   * @param descriptors of the shards that are up; null where one has none.
   * @returns the port. @throws SupernodeError `address-in-use` or `listen-failed`.
   */
  async open(host: string, port: number, found: number, descriptors: readonly unknown[]): Promise<number> {
    let free = found;
    for (let tries = port === 0 ? FREE_PORT_TRIES : 1; tries > 0; tries--) {
      if (await this.#listen(host, free, descriptors)) return free;
      // Somebody has taken it since it was found; for one that was named this says who is wrong.
      free = await probePort(host, port);
    }
    throw listenError(host, free);
  }

  /** A shard listens, or could not. */
  heard(listens: boolean): void {
    const answers = this.#answers;
    if (answers === null) return;
    answers.everyone &&= listens;
    answers.missing--;
    if (answers.missing > 0) return;
    this.#answers = null;
    answers.done(answers.everyone);
  }

  /** A shard has ended: it will not answer. */
  failed(error: Error): void {
    this.#answers?.fail(error);
    this.#answers = null;
  }

  /** No new connections. A descriptor goes before its shard does, or the next connection is a segmentation fault. */
  stop(): void {
    this.#acceptor?.stop();
    for (const descriptor of this.#descriptors) this.#acceptor?.remove(descriptor);
    this.#descriptors = [];
    this.#acceptor = null;
  }

  async #listen(host: string, port: number, descriptors: readonly unknown[]): Promise<boolean> {
    if (this.#host.tls || process.platform === 'linux') return this.#listenInShards(host, port);
    const acceptor = createAcceptor();
    for (const descriptor of descriptors) acceptor.add(descriptor);
    this.#acceptor = acceptor;
    this.#descriptors = descriptors;
    if (acceptor.listen(host, port) !== 0) return true;
    this.stop();
    return false;
  }

  async #listenInShards(host: string, port: number): Promise<boolean> {
    const { shards, tell } = this.#host;
    // Several share the port; a second relay must hear that it is taken, and not share it too.
    if (shards > 1 && !(await isFree(host, port))) return false;
    const everyone = new Promise<boolean>((done, fail) => {
      this.#answers = { missing: shards, everyone: true, done, fail };
    });
    for (let shard = 0; shard < shards; shard++)
      tell(shard, { kind: 'listen', host, port, alone: shards === 1 });
    if (await everyone) return true;
    for (let shard = 0; shard < shards; shard++) tell(shard, { kind: 'stop-listening' });
    return false;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return probePort(host, port).then(
    () => true,
    () => false,
  );
}
