/** What keeps the text of a result from being read as markup or as a script. */
import { plainText } from '../formats/figures.ts';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and for quoted attributes; without what turns the direction of text or is not to be seen. */
export function escapeHtml(text: string): string {
  return plainText(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}

/** JSON for a script element: it holds no `<`, so it cannot end the element, and no line end that JavaScript alone knows. */
export function jsonForScript(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
