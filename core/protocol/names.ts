/** Names and numbers that both ends must agree on before the first frame. */

/** The WebSocket subprotocol; the digit is the protocol's version. */
export const SUBPROTOCOL = 'supernode.1';
export const DEFAULT_PORT = 7420;
export const DEFAULT_URL = `ws://127.0.0.1:${DEFAULT_PORT}`;
