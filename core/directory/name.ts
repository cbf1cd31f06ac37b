/**
 * Which names there are, and their one normal form.
 *
 * The rule is ENSIP-15, the normalisation of ENS names (https://docs.ens.domains/ensip/15), as
 * @adraffy/ens-normalize implements it. It folds case and compatibility forms (NFC), drops what is not seen, refuses
 * characters that are no part of a word, labels that mix scripts which nobody writes together, and labels that are
 * written in one script and look as if in another (whole-script confusables: a Cyrillic "саре" for "cape"). It does not
 * tell apart what looks alike within one script: "l0l" and "lol" are two names.
 *
 * Ours on top: one label (no dot), no emoji, 3 characters to 63 bytes of UTF-8, and nothing that reads as a peer id.
 *
 * The package's version is pinned: another version of Unicode may normalise otherwise, and then names that are taken
 * could not be asked for. Runs in browsers.
 */
import { ens_split, safe_str_from_cps } from '@adraffy/ens-normalize';
import { SupernodeError } from '../protocol/errors.ts';
import { MAX_NAME_BYTES, MIN_NAME_CHARACTERS } from '../protocol/limits.ts';
import { parsePeerId } from '../protocol/peer-id.ts';

/** What is longer than this, in UTF-16 units, is not even looked at: mapping makes a name shorter by a few at most. */
const MAX_INPUT_UNITS = 4 * MAX_NAME_BYTES;
const PEER_ID_CHARACTERS = 52;
/** Characters of a refused name that its error shows. */
const MAX_SHOWN = 80;

const encoder = new TextEncoder();

/**
 * The name's normal form.
 * @throws SupernodeError `bad-name`, with the reason.
 */
export function normalizeName(text: string): string {
  if (text.length > MAX_INPUT_UNITS) throw badName(text, `it is longer than ${MAX_NAME_BYTES} bytes`);
  if (text.includes('.')) throw badName(text, 'it contains a dot');
  const label = ens_split(text)[0];
  if (label?.error) throw badName(text, reasonOf(label.error));
  if (label?.emoji) throw badName(text, 'it contains an emoji');
  const name = String.fromCodePoint(...(label?.output ?? []));
  if ([...name].length < MIN_NAME_CHARACTERS) {
    throw badName(text, `it has fewer than ${MIN_NAME_CHARACTERS} characters`);
  }
  if (encoder.encode(name).length > MAX_NAME_BYTES) {
    throw badName(text, `it is longer than ${MAX_NAME_BYTES} bytes`);
  }
  if (readsAsPeerId(name)) throw badName(text, 'it reads as a peer id');
  return name;
}

/** Whether `normalizeName` gives back just this. */
export function isNormalName(text: string): boolean {
  try {
    return normalizeName(text) === text;
  } catch {
    return false;
  }
}

function readsAsPeerId(name: string): boolean {
  // Most names are told by their length: an error, thrown for every other name, would cost more than all else here.
  if (name.length !== PEER_ID_CHARACTERS) return false;
  try {
    parsePeerId(name);
    return true;
  } catch {
    return false;
  }
}

/** The library's reason without its marks of direction, which would be shown as question marks. */
function reasonOf(error: Error): string {
  return error.message.replaceAll('\u200e', '');
}

function badName(text: string, why: string): SupernodeError {
  const points = Array.from(text.slice(0, MAX_SHOWN), (character) => character.codePointAt(0)!);
  const shown = safe_str_from_cps(points).replaceAll('\u200e', '');
  return new SupernodeError('bad-name', `"${shown}" cannot be a name: ${why}.`);
}
