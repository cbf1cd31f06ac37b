/** Messages and receipts as `inbox` prints them: lines of JSON, or text for people. */
import type { Message, ReceiptEvent } from '../client/node.ts';
import { safeLines } from './safe-text.ts';

export function messageText({ id, from, sentAt, data }: Message, asJson: boolean): string {
  const text = utf8Text(data);
  const at = sentAt.toISOString();
  const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
  if (asJson) {
    return `${JSON.stringify({ id, from, sentAt: at, ...(text === undefined ? { base64 } : { text }) })}\n`;
  }
  const kind = text === undefined ? '  (base64)' : '';
  return `${at}  ${from}  ${id}${kind}\n${safeLines(text ?? base64)}\n`;
}

export function receiptText({ id, to, state }: ReceiptEvent, asJson: boolean): string {
  return asJson ? `${JSON.stringify({ id, to, receipt: state })}\n` : `${id} ${state} to ${to}\n`;
}

/** Undefined when it is not UTF-8. */
function utf8Text(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}
