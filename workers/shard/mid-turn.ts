/**
 * When packets are sent before a turn ends. Sockets come, log in and leave by the hundred in one look of epoll, and each of them
 * costs tens of microseconds: a call's packet that came first would wait for all of them.
 *
 *   turn: | packet, login, login, login ... [send] ... login, packet, login ... [send] ... | turn's end: send
 *                 '------ SEND_EVERY_MS ------'
 *
 * Asked only by what takes long: a turn of packets alone reads no clock.
 */
const SEND_EVERY_MS = 0.5;

export class MidTurn {
  #isLong = false;
  #sentAt = 0;

  /** Something that takes long is about to be done. @returns whether packets are to be sent before. */
  isDue(now: number): boolean {
    if (!this.#isLong) {
      this.#isLong = true;
      this.#sentAt = now;
      return false;
    }
    if (now - this.#sentAt < SEND_EVERY_MS) return false;
    this.#sentAt = now;
    return true;
  }

  /** The turn has ended, and all was sent. */
  ended(): void {
    this.#isLong = false;
  }
}
