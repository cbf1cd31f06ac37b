/** `supernode replay`: what it does is in bench/replay/, which `core` names by URL and never imports (see bench.ts). */
import { loadBench } from './bench.ts';
import type { Command } from './command.ts';
import { EXIT_FAILURE, EXIT_INTERRUPTED } from './exit-codes.ts';

function named(name: string): Command {
  return {
    name,
    description: 'Replays an outage of Skype on many relays, and judges how they took it by nine criteria',
    args: {
      replay: {
        type: 'positional',
        description: 'mass-restart (August 2007) or cascade (December 2010)',
        required: true,
      },
      arm: {
        type: 'string',
        description: 'ours, naive, exit-jitter, shed-nojitter, several of them, or all (default ours)',
        valueHint: 'NAME,..',
      },
      peers: { type: 'string', description: 'Peers (default 100000; real: 2400)', valueHint: 'N' },
      relays: {
        type: 'string',
        description: 'Relays (default: as the utilisation needs; real: 32)',
        valueHint: 'N',
      },
      utilisation: {
        type: 'string',
        description: 'Peers over what all relays can hold, in percent, or all: 60,75,90 (default 75)',
        valueHint: 'PERCENT,..',
      },
      mega: {
        type: 'string',
        description: 'Percent of mega-supernodes that come after an hour: 0, 1 or 5 (default 0)',
        valueHint: 'PERCENT',
      },
      seed: { type: 'string', description: 'Same seed, same replay (default 1)', valueHint: 'N' },
      scale: {
        type: 'string',
        description: 'How many times as fast the outage goes (default 1; real: 30)',
        valueHint: 'N',
      },
      tipping: {
        type: 'boolean',
        description: 'Also search how large the trigger may be, and how high the utilisation',
      },
      real: {
        type: 'boolean',
        description: 'With relay processes and client sockets instead of a simulation',
      },
      compare: {
        type: 'boolean',
        description: 'With --real: also simulate the same plan, and say how far apart the two are',
      },
      json: { type: 'boolean', description: 'Print outcomes and criteria as JSON on stdout' },
      html: { type: 'string', description: 'Write a page with plots', valueHint: 'FILE' },
    },
    notes: [
      'The simulation runs on virtual time, with the same admission, back-off, shedding and retry budget that a relay and a ' +
        'client run (core/overload). Same flags, same figures. The naive arm always runs beside the others: criterion 9 asks ' +
        'that it collapses. A replay of 100,000 peers takes seconds for ours and up to half a minute for the naive arm; ' +
        '--peers 1000000 has 1,100 to 1,700 relays.',
      'What is modelled, every parameter with its source, and how each criterion is computed: docs/replays.md.',
    ],
    examples: [
      [`${name} mass-restart`, '100,000 peers, 75% utilised'],
      [`${name} cascade --utilisation all --html r.html`, 'at 60, 75 and 90%, with plots'],
      [`${name} cascade --arm all --mega 5`, 'what each measure is worth'],
      [`${name} cascade --real --compare`, '32 relay processes, 2,400 sockets, and the simulation beside'],
      [`${name} mass-restart --peers 1000000 --tipping`, 'full size, and where it tips over'],
    ],
    exitCodes: [
      [EXIT_FAILURE, 'a criterion failed for an arm that was asked for'],
      [EXIT_INTERRUPTED, 'interrupted; nothing was written'],
    ],
    run: async (values) => (await loadBench()).replay(values),
  };
}

export const replay = named('supernode replay');
export const benchReplay = named('supernode bench replay');
