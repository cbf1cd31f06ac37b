/** What the operator's port answers, and how it finds what was asked. Each route is in a file of its own. */
import { type ErrorCode, SupernodeError } from '../../protocol/errors.ts';

export interface AdminRequest {
  query: URLSearchParams;
  /** Of a POST: what its JSON says; undefined when it has none. */
  body: unknown;
}

export type AdminAnswer = { code: number; headers?: Record<string, string> } & (
  | { body: unknown }
  | { text: string; type: string }
);

export interface AdminRoute {
  method: 'GET' | 'POST';
  path: string;
  /** True: answered without the token. */
  open: boolean;
  /** @throws AdminRefusal; anything else becomes a 500. */
  answer(request: AdminRequest): AdminAnswer | Promise<AdminAnswer>;
}

/** A request that is answered with an error. */
export class AdminRefusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** A HEAD is a GET: node sends no body for it. @throws AdminRefusal 404 or 405. */
export function findRoute(
  routes: AdminRoute[],
  method: string,
  target: string,
): { route: AdminRoute; query: URLSearchParams } {
  const [path, query = ''] = target.split('?', 2) as [string, string?];
  const there = routes.filter((route) => route.path === path);
  if (there.length === 0) {
    throw new AdminRefusal(404, `There are ${[...new Set(routes.map((route) => route.path))].join(', ')}.`);
  }
  const wanted = method === 'HEAD' ? 'GET' : method;
  const route = there.find((one) => one.method === wanted);
  if (route !== undefined) return { route, query: new URLSearchParams(query) };
  const allow = there.map((one) => one.method).join(', ');
  throw new AdminRefusal(405, `${path} is for ${allow}.`, { Allow: allow });
}

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  'bad-option': 400,
  'bad-peer-id': 400,
  'bad-name': 400,
  'not-found': 404,
};

/** The relay's answer; what it throws because of the request becomes a 400 or 404. */
export async function ofRequest<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const status = error instanceof SupernodeError ? STATUS_OF[error.code] : undefined;
    if (status === undefined) throw error;
    throw new AdminRefusal(status, (error as Error).message);
  }
}
