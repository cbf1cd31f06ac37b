/** TCP round trips of one byte over loopback with both ends in this thread: what the kernel and libuv cost a relay per message. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Loopback {
  readonly #server: Server;
  readonly #client: Socket;
  readonly #byte = Buffer.of(1);
  #left = 0;
  #done: () => void = () => {};
  #failed: (error: Error) => void = () => {};

  private constructor(server: Server, client: Socket) {
    this.#server = server;
    this.#client = client;
    client.on('data', () => {
      this.#left--;
      if (this.#left > 0) client.write(this.#byte);
      else this.#done();
    });
    client.on('error', (error) => this.#failed(error));
    client.on('close', () => this.#failed(new Error('The loopback connection has ended.')));
  }

  static async open(): Promise<Loopback> {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on('data', (bytes) => socket.write(bytes));
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const client = connect({ host: '127.0.0.1', port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      client.once('connect', resolve);
      client.once('error', reject);
    });
    return new Loopback(server, client);
  }

  /** One after the other. */
  roundTrips(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#left = count;
      this.#done = resolve;
      this.#failed = reject;
      this.#client.write(this.#byte);
    });
  }

  close(): void {
    this.#client.destroy();
    this.#server.close();
  }
}
