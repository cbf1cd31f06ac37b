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
  },
  examples: [
    ['supernode bench --quick', 'measure for 80 seconds'],
    ['supernode bench compare a.json b.json', 'tell whether b is faster'],
  ],
};

export const root: CommandGroup = {
  name: 'supernode',
  description: 'An identity-addressed relay, and a pipe through it.',
  commands: {
    start: {
      description: 'Start a relay.',
      load: async (): Promise<Command> => (await import('./start.ts')).start,
    },
    status: {
      description: 'Show the numbers of a running relay.',
      load: async (): Promise<Command> => (await import('./status.ts')).status,
    },
    keygen: {
      description: 'Make a key file, and print the peer id of the key.',
      load: async (): Promise<Command> => (await import('./keygen.ts')).keygen,
    },
    pipe: { description: pipe.description, load: async (): Promise<CommandGroup> => pipe },
    bench: { description: bench.description, load: async (): Promise<CommandGroup> => bench },
  },
  examples: [
    ['supernode start', 'a relay on ws://127.0.0.1:7420'],
    ['supernode status', 'what it is doing'],
    ['supernode keygen --out me.key', 'an address that lasts'],
    ['supernode pipe listen > copy', 'receive a file; prints the peer id to connect to'],
    ['supernode pipe connect PEER < file', 'send it'],
    ['supernode bench --quick', 'what this machine carries'],
  ],
};
