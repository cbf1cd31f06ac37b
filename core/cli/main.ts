#!/usr/bin/env node
/** The `supernode` process: runs its command line, and turns whatever that throws into one sentence and an exit code. */
import { runCommandLine } from './command-line.ts';
import { exitCodeOf, sentenceOf } from './exit-codes.ts';
import { exitWith, stderrLine } from './print.ts';

async function fail(error: unknown): Promise<never> {
  stderrLine(sentenceOf(error));
  return exitWith(exitCodeOf(error));
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
// Whoever read stderr may be gone: the work goes on.
process.stderr.on('error', () => {});
runCommandLine(process.argv.slice(2)).then(exitWith, fail);
