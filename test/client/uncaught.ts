/** Errors that reach the process while `act` runs, until there are `count`: vitest's own watch is put aside meanwhile. */
export async function uncaughtDuring(act: () => Promise<void>, count: number): Promise<Error[]> {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const errors: Error[] = [];
  const enough = new Promise<void>((resolve) => {
    process.on('uncaughtException', (error) => {
      errors.push(error);
      if (errors.length >= count) resolve();
    });
  });
  try {
    await act();
    await enough;
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
  return errors;
}
