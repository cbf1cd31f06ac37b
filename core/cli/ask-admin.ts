/** Requests to a relay's admin port, with the operator's token. */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ErrorCode } from '../protocol/errors.ts';
import { CommandError, EXIT_FAILURE, EXIT_NO_PEER, UsageError } from './exit-codes.ts';
import type { AdminAddress } from './find-admin.ts';

const TIMEOUT_MS = 5_000;
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface AdminQuestion {
  method?: 'GET' | 'POST';
  /** With its query, such as /why?peer=... */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  timeoutMs?: number;
}

/** An answer of the port: JSON, as it came and as it reads. */
export interface AdminReply {
  text: string;
  json: unknown;
}

/**
 * @throws CommandError when nothing answers, the token is refused, or the answer is not a relay's; UsageError or a
 *   CommandError with the relay's own sentence when it refuses the request.
 */
export async function askAdmin(address: AdminAddress, question: AdminQuestion): Promise<AdminReply> {
  const { code, body: text } = await send(address, question);
  const at = placeOf(address);
  if (code === 401) throw failure('status-refused', `The relay at ${at} refused the token.`);
  const json = parsed(text);
  const sentence = (json as { error?: unknown } | undefined)?.error;
  if (code !== 200 && typeof sentence === 'string') throw refusal(code, sentence);
  if (code !== 200 || json === undefined) throw notARelay(address);
  return { text, json };
}

export function notARelay(address: AdminAddress): CommandError {
  return failure('bad-relay', `What answers at ${placeOf(address)} is not a relay's admin port.`);
}

function refusal(code: number, sentence: string): CommandError {
  if (code === 400) return new UsageError(sentence);
  // A relay that is older than this command.
  if (code === 404 && sentence.startsWith('There are /')) return failure('bad-relay', sentence);
  return code === 404 ? new CommandError(EXIT_NO_PEER, 'not-found', sentence) : failure('internal', sentence);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Connections are kept for the next question, of a command that asks again and again; they hold no process. */
const AGENTS = {
  'http:': new Agent({ keepAlive: true, maxSockets: 2 }),
  'https:': new HttpsAgent({ keepAlive: true, maxSockets: 2 }),
};

/** Redirects are not followed: the token is for this address alone. */
function send(
  { url, token }: AdminAddress,
  { method = 'GET', path, body, timeoutMs = TIMEOUT_MS }: AdminQuestion,
): Promise<{ code: number; body: string }> {
  const secure = url.protocol === 'https:';
  const request = secure ? httpsRequest : httpRequest;
  const sent = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      const at = `${url.protocol}//${url.host}`;
      reject(failure('relay-unreachable', `Cannot ask the relay at ${at}: ${why}.`, cause));
    };
    const asked = request(
      new URL(path, url),
      {
        method,
        agent: AGENTS[secure ? 'https:' : 'http:'],
        headers: {
          Authorization: `Bearer ${token}`,
          ...(sent === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        textOf(response).then(
          (text) => resolve({ code: response.statusCode ?? 0, body: text }),
          (error: Error) => fail(error.message, error),
        );
      },
    );
    asked.on('error', (error: NodeJS.ErrnoException) => {
      if (error.name === 'AbortError' || error.name === 'TimeoutError') {
        fail(`no answer within ${timeoutMs / 1000} s`, error);
      } else if (error.code === 'ECONNREFUSED') fail('nothing listens there (ECONNREFUSED)', error);
      else fail(error.message || String(error.code), error);
    });
    asked.end(sent);
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

function placeOf({ url }: AdminAddress): string {
  return `${url.protocol}//${url.host}`;
}

function failure(code: ErrorCode, message: string, cause?: unknown): CommandError {
  return new CommandError(EXIT_FAILURE, code, message, { cause });
}
