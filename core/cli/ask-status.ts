/** One GET /status, with the operator's token. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ErrorCode } from '../protocol/errors.ts';
import type { Relay } from '../relay/relay.ts';
import { CommandError, EXIT_FAILURE } from './exit-codes.ts';
import type { AdminAddress } from './find-admin.ts';

export type RelayNumbers = ReturnType<Relay['stats']>;

const TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 1024 * 1024;

/** @throws CommandError when nothing answers, the token is refused, or the answer is not a relay's. */
export async function askStatus(address: AdminAddress): Promise<{ body: string; numbers: RelayNumbers }> {
  const { code, body } = await get(address);
  const at = `${address.url.protocol}//${address.url.host}`;
  if (code === 401) throw failure('status-refused', `The relay at ${at} refused the token.`);
  const numbers = code === 200 ? parsed(body) : undefined;
  if (numbers === undefined) throw failure('bad-relay', `What answers at ${at} is not a relay's admin port.`);
  return { body, numbers };
}

function parsed(body: string): RelayNumbers | undefined {
  try {
    const numbers = JSON.parse(body) as RelayNumbers;
    return typeof numbers?.sessions === 'number' && typeof numbers.frames?.in === 'number'
      ? numbers
      : undefined;
  } catch {
    return undefined;
  }
}

/** Redirects are not followed: the token is for this address alone. */
function get({ url, token }: AdminAddress): Promise<{ code: number; body: string }> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      const at = `${url.protocol}//${url.host}`;
      reject(failure('relay-unreachable', `Cannot ask the relay at ${at}: ${why}.`, cause));
    };
    const asked = request(
      new URL('/status', url),
      { headers: { Authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(TIMEOUT_MS) },
      (response) => {
        textOf(response).then(
          (body) => resolve({ code: response.statusCode ?? 0, body }),
          (error: Error) => fail(error.message, error),
        );
      },
    );
    asked.on('error', (error: NodeJS.ErrnoException) => {
      if (error.name === 'AbortError') fail(`no answer within ${TIMEOUT_MS / 1000} s`, error);
      else if (error.code === 'ECONNREFUSED') fail('nothing listens there (ECONNREFUSED)', error);
      else fail(error.message || String(error.code), error);
    });
    asked.end();
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error('its answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function failure(code: ErrorCode, message: string, cause?: unknown): CommandError {
  return new CommandError(EXIT_FAILURE, code, message, { cause });
}
