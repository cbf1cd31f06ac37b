/** The tree of commands. */
import type { Command, CommandGroup } from './command.ts';

const pipe: CommandGroup = {
  name: 'supernode pipe',
  description: 'Join stdin and stdout with those of another peer, like netcat by key.',
  commands: {
    listen: {
      description: 'Wait for one peer to connect.',
      load: async (): Promise<Command> => (await import('./pipe-listen.ts')).pipeListen,
    },
    connect: {
      description: 'Connect to a peer that listens.',
      load: async (): Promise<Command> => (await import('./pipe-connect.ts')).pipeConnect,
    },
  },
  examples: [
    ['supernode pipe listen > copy', 'receive a file; prints the peer id to connect to'],
    ['supernode pipe connect PEER < file', 'send it'],
  ],
};

const directory: CommandGroup = {
  name: 'supernode directory',
  description: "Back up, restore, check and measure a relay's directory.",
  commands: {
    export: {
      description: 'Write it as NDJSON.',
      load: async (): Promise<Command> => (await import('./directory-export.ts')).directoryExport,
    },
    import: {
      description: 'Read an export into it.',
      load: async (): Promise<Command> => (await import('./directory-import.ts')).directoryImport,
    },
    check: {
      description: 'Say whether it is whole.',
      load: async (): Promise<Command> => (await import('./directory-check.ts')).directoryCheck,
    },
    stats: {
      description: 'Show how much is in it.',
      load: async (): Promise<Command> => (await import('./directory-stats.ts')).directoryStats,
    },
  },
  examples: [
    ['supernode directory export --out backup.ndjson', 'back up, while the relay runs'],
    ['supernode directory import --data DIR backup.ndjson', 'restore'],
    ['supernode directory check', 'verify every row'],
  ],
};

const bench: CommandGroup = {
  name: 'supernode bench',
  description: 'Measure the relay on this machine, and compare results.',
  alone: async () => (await import('./bench.ts')).bench,
  commands: {
    compare: {
      description: 'Compare results.',
      load: async (): Promise<Command> => (await import('./bench.ts')).benchCompare,
    },
    report: {
      description: 'Show a result in another format.',
      load: async (): Promise<Command> => (await import('./bench.ts')).benchReport,
    },
    replay: {
      description: 'Replay an outage.',
      load: async (): Promise<Command> => (await import('./replay.ts')).benchReplay,
    },
  },
  examples: [
    ['supernode bench --quick', 'measure for 80 seconds'],
    ['supernode bench compare a.json b.json', 'tell whether b is faster'],
  ],
};

export const root: CommandGroup = {
  name: 'supernode',
  description: 'An identity-addressed relay with a directory, and what peers do through it.',
  commands: {
    start: {
      description: 'Start a relay.',
      load: async (): Promise<Command> => (await import('./start.ts')).start,
    },
    status: {
      description: 'Show the numbers of a running relay.',
      load: async (): Promise<Command> => (await import('./status.ts')).status,
    },
    top: {
      description: 'Show what it does, live.',
      load: async (): Promise<Command> => (await import('./top.ts')).top,
    },
    drain: {
      description: 'Have a relay send its peers away, in good order.',
      load: async (): Promise<Command> => (await import('./drain.ts')).drain,
    },
    why: {
      description: 'Tell what was dropped or refused of a peer, and by which limit.',
      load: async (): Promise<Command> => (await import('./why.ts')).why,
    },
    keygen: {
      description: 'Make a key file, and print the peer id of the key.',
      load: async (): Promise<Command> => (await import('./keygen.ts')).keygen,
    },
    whoami: {
      description: "Print a key's peer id, and its name at a relay.",
      load: async (): Promise<Command> => (await import('./whoami.ts')).whoami,
    },
    register: {
      description: 'Claim a name at a relay.',
      load: async (): Promise<Command> => (await import('./register.ts')).register,
    },
    lookup: {
      description: 'Find a peer by name or id.',
      load: async (): Promise<Command> => (await import('./lookup.ts')).lookup,
    },
    send: {
      description: "Leave a message in a peer's mailbox.",
      load: async (): Promise<Command> => (await import('./send.ts')).send,
    },
    inbox: {
      description: 'Print the messages that wait for a key.',
      load: async (): Promise<Command> => (await import('./inbox.ts')).inbox,
    },
    pipe: { description: pipe.description, load: async (): Promise<CommandGroup> => pipe },
    directory: { description: directory.description, load: async (): Promise<CommandGroup> => directory },
    bench: { description: bench.description, load: async (): Promise<CommandGroup> => bench },
    replay: {
      description: 'Replay an outage on many relays, and judge how they took it.',
      load: async (): Promise<Command> => (await import('./replay.ts')).replay,
    },
  },
  examples: [
    ['supernode start', 'a relay on ws://127.0.0.1:7420'],
    ['supernode status', 'what it is doing'],
    ['supernode top', 'and live'],
    ['supernode drain --successor wss://b.example:7420', 'send its peers to another relay, then end it'],
    ['supernode why PEER PEER', 'what it dropped or refused between two peers, and by which limit'],
    ['supernode keygen --out me.key', 'an address that lasts'],
    ['supernode register ann --key me.key', 'and a name for it'],
    ['echo hello | supernode send ann --key my.key', 'a message for ann, who may be away'],
    ['supernode inbox --key me.key', 'what has come for her'],
    ['supernode pipe listen > copy', 'receive a file; prints the peer id to connect to'],
    ['supernode pipe connect PEER < file', 'send it'],
    ['supernode bench --quick', 'what this machine carries'],
  ],
};
