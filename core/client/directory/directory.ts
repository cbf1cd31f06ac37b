/** The directory as one peer uses it: its parts, and what they must hear of the connection. */
import type { Verify } from '../../directory/signed.ts';
import type { Identity } from '../../identity/identity.ts';
import type { Body } from '../../protocol/control.ts';
import type { SupernodeError } from '../../protocol/errors.ts';
import type { OP_MAIL, OP_PRESENCE } from '../../protocol/ops.ts';
import { Access, type AccessLink } from './access.ts';
import { Contacts } from './contacts.ts';
import { Messages } from './messages.ts';
import { Policy } from './policy.ts';
import { Records } from './records.ts';
import { type Presence, Watches } from './watches.ts';

export class Directory {
  readonly records: Records;
  readonly watches: Watches;
  readonly contacts: Contacts;
  readonly messages: Messages;
  readonly policy: Policy;
  readonly #access: Access;

  /** @param presence told about watched peers that changed. Must not throw. */
  constructor(identity: Identity, verify: Verify, link: AccessLink, presence: (presence: Presence) => void) {
    this.#access = new Access(identity, verify, link);
    this.records = new Records(this.#access);
    this.watches = new Watches(this.#access, presence);
    this.policy = new Policy(this.#access, async () => (await this.contacts.list()).map(({ id }) => id));
    this.contacts = new Contacts(this.#access, this.policy);
    this.messages = new Messages(this.#access, this.records);
  }

  // --- From the session ---------------------------------------------------------------------------------------------

  presence(changes: Body<typeof OP_PRESENCE>): void {
    this.watches.pushed(changes);
  }

  /** @throws ProtocolError */
  mail(mail: Body<typeof OP_MAIL>): void {
    this.messages.mail(mail);
  }

  beforeFlush(): void {
    this.messages.beforeFlush();
  }

  // --- From the link ------------------------------------------------------------------------------------------------

  disconnected(): void {
    this.messages.disconnected();
  }

  reconnected(): void {
    this.#access.reconnected();
    this.messages.reconnected();
    void this.watches.reconnected();
  }

  closed(error: SupernodeError | undefined): void {
    this.#access.closed();
    this.messages.closed(error);
  }
}
