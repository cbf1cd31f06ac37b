/** The built code, whose worker threads and child processes need no loader: `built<typeof import('...ts')>('bench/...')`. */
export function built<T>(module: string): Promise<T> {
  return import(new URL(`../../../dist/${module}.js`, import.meta.url).href) as Promise<T>;
}
