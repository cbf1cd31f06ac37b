/**
 * An application's handler that throws must not disturb the peer, nor may its error be lost: it is thrown again from
 * a microtask, as EventTarget does it, so it reaches `uncaughtException` in Node and `window.onerror` in a browser.
 */
export function reportError(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** Calls a handler of the application, if there is one, and contains what it throws. */
export function callHandler<E>(handler: ((event: E) => void) | null, event: E): void {
  if (handler === null) return;
  try {
    handler(event);
  } catch (error) {
    reportError(error);
  }
}
