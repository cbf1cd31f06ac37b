/**
 * The file that `supernode directory export` writes and `import` reads: NDJSON, one object a line (docs/operations.md).
 *
 *   first   {"supernode":"directory","format":1,"exportedAt":"2026-01-31T...","rows":{"records":2,...}}
 *   then    the rows, table by table in the order of EXPORTED; the other tables follow from these
 *   last    {"end":true,"rows":2,"damaged":0,"sha256":"..."}   of all bytes before this line
 *
 * Keys are peer ids, bytes are base64url, times are milliseconds since 1970. What is signed comes as it was signed; the
 * fields beside it are for people, and are not read back.
 */
import * as v from 'valibot';
import { AUDIENCES } from '../protocol/directory-ops.ts';
import { SupernodeError } from '../protocol/errors.ts';
import { MAX_LIST_KEYS } from '../protocol/limits.ts';
import { parsePeerId } from '../protocol/peer-id.ts';

export const FORMAT = 1;
/** In this order a row comes after those that it needs. */
export const EXPORTED = ['records', 'seen', 'policies', 'vaults', 'mail', 'mailboxes'] as const;
export type ExportedTable = (typeof EXPORTED)[number];
/** Two full lists of ids of 52 characters are 110 KiB, a vault is 86 KiB. */
export const MAX_LINE_BYTES = 256 * 1024;

const key = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parsePeerId(dataset.value).publicKey;
    } catch {
      addIssue({ message: 'a peer id' });
      return NEVER;
    }
  }),
);
const bytes = v.pipe(
  v.string(),
  v.regex(/^[\w-]*$/, 'base64url'),
  v.transform((text) => new Uint8Array(Buffer.from(text, 'base64url'))),
);
const u53 = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const keys = v.pipe(v.array(key), v.maxLength(MAX_LIST_KEYS));

const ROW = v.variant('table', [
  v.object({ table: v.literal('records'), record: bytes }),
  v.object({ table: v.literal('seen'), id: key, seenMs: u53 }),
  v.object({
    table: v.literal('policies'),
    id: key,
    visibility: v.picklist(AUDIENCES),
    reach: v.picklist(AUDIENCES),
    allowed: keys,
    blocked: keys,
  }),
  v.object({ table: v.literal('vaults'), vault: bytes }),
  v.object({
    table: v.literal('mail'),
    id: key,
    seq: v.pipe(u53, v.minValue(1)),
    from: key,
    messageId: v.pipe(bytes, v.length(16)),
    sentMs: u53,
    expiresMs: u53,
    receipt: v.optional(v.picklist(['delivered', 'expired'])),
    bytes: v.optional(bytes),
  }),
  v.object({ table: v.literal('mailboxes'), id: key, nextSeq: v.pipe(u53, v.minValue(1)) }),
]);
export type ExportRow = v.InferOutput<typeof ROW>;

const HEADER = v.object({
  supernode: v.literal('directory'),
  format: v.number(),
  exportedAt: v.string(),
  rows: v.record(v.picklist(EXPORTED), u53),
});
export type ExportHeader = v.InferOutput<typeof HEADER>;

const TRAILER = v.object({
  end: v.literal(true),
  rows: u53,
  damaged: u53,
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});
export type ExportTrailer = v.InferOutput<typeof TRAILER>;

/** @throws SupernodeError `io` when it is no export, or one of a newer program. */
export function parseHeader(line: string): ExportHeader {
  const parsed = v.safeParse(HEADER, parseJson(line));
  if (!parsed.success) throw badFile('its first line is not that of an export');
  if (parsed.output.format === FORMAT) return parsed.output;
  throw badFile(`it has format ${parsed.output.format}, and this program knows ${FORMAT}`);
}

/** @throws SupernodeError `io` that names the line. */
export function parseLine(line: string, number: number): ExportRow | ExportTrailer {
  const json = parseJson(line);
  const isTrailer = typeof json === 'object' && json !== null && 'end' in json;
  const parsed = v.safeParse(isTrailer ? TRAILER : ROW, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = issue.path?.map((item) => String(item.key)).join('.');
  throw badFile(`line ${number} is not a row${where ? ` (${where})` : ''}`);
}

export function badFile(what: string): SupernodeError {
  return new SupernodeError('io', `The export cannot be used: ${what}.`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
