import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { lockHolder, lockStore } from '../../core/directory/lock.ts';
import { ownMark } from '../../core/directory/process-mark.ts';
import { freshPath } from './store-fixture.ts';

const CONTENDER = fileURLToPath(new URL('./lock-contender.mjs', import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function place(): string {
  const path = freshPath();
  mkdirSync(path);
  return path;
}

class Contender {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string) {
    this.child = spawn(process.execPath, [CONTENDER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    children.push(this.child);
    this.#lines = lines(this.child);
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  async lock(): Promise<string> {
    this.child.stdin!.write('lock\n');
    return this.line();
  }

  async end(how: 'exit' | 'kill'): Promise<void> {
    const ended = once(this.child, 'exit');
    if (how === 'kill') this.child.kill('SIGKILL');
    else this.child.stdin!.write('exit\n');
    await ended;
  }
}

async function* lines(child: ChildProcess): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of child.stdout!.setEncoding('utf8')) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop()!;
    yield* parts;
  }
}

async function contender(path: string): Promise<Contender> {
  const made = new Contender(path);
  expect(await made.line()).toBe('ready');
  return made;
}

test('a lock is had once, and again after it was given back', () => {
  const path = place();
  const first = lockStore(path);
  expect(() => lockStore(path)).toThrow(
    expect.objectContaining({
      code: 'directory-in-use',
      message: expect.stringContaining(`${path} is in use by process ${process.pid}`),
    }),
  );
  expect(lockHolder(path)?.pid).toBe(process.pid);
  first.release();
  first.release();
  expect(lockHolder(path)).toBe(undefined);
  for (let round = 0; round < 5; round++) lockStore(path).release();
  expect(readdirSync(path)).toHaveLength(2);
});

test('the lock of another process names it, and is free when that process exits or is killed', async () => {
  const path = place();
  for (const how of ['exit', 'kill'] as const) {
    const other = await contender(path);
    expect(await other.lock()).toBe('has it');
    expect(() => lockStore(path)).toThrow(`in use by process ${other.child.pid}:`);
    await other.end(how);
    lockStore(path).release();
  }
});

test('a lock left by an earlier process with the same number is nobody’s', () => {
  const path = place();
  const { pid, started } = ownMark();
  // Elsewhere than on Linux the start of a process is not known, and its number is all there is.
  if (started === '') return;
  writeFileSync(join(path, 'relay.lock.1'), JSON.stringify({ pid, started: 'earlier.1' }));
  lockStore(path).release();
});

test('half a lock, as a crash of the machine may leave it, is nobody’s', () => {
  const path = place();
  for (const content of ['', '{"pid":', '{"pid":-1,"started":""}', 'null']) {
    writeFileSync(join(path, 'relay.lock.7'), content);
    lockStore(path).release();
    for (const name of readdirSync(path)) rmSync(join(path, name));
  }
});

test('of several that find a lock left behind at once, one has it', async () => {
  const path = place();
  for (let round = 0; round < 6; round++) {
    const contenders = await Promise.all(Array.from({ length: 5 }, () => contender(path)));
    const answers = await Promise.all(contenders.map((each) => each.lock()));
    expect(answers.toSorted()).toEqual([...Array(4).fill('directory-in-use'), 'has it']);
    await Promise.all(contenders.map((each) => each.end('kill')));
  }
});
