/** Text that a stranger wrote, made fit for a terminal: it must not move the cursor, change a line or its direction. */

/** Control characters; marks that embed, override or isolate a direction; line and paragraph separators. */
const UNSAFE = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu;
const UNSAFE_BUT_LINES = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu;

/** One line. */
export function safeLine(text: string): string {
  return text.replace(UNSAFE, '\ufffd');
}

/** Lines, each indented: none of them can pass for a line of ours. */
export function safeLines(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(UNSAFE_BUT_LINES, '\ufffd')
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  ${line}\n`)
    .join('');
}
