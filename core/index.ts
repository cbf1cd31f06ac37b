/** The package's public face: the relay, and the client beside it. */
export * from './client/node.ts';
export { createKeyFile, loadIdentity } from './identity/key-file.ts';
export type { BudgetOptions, BudgetsOptions, RateOptions, TenantOptions } from './relay/budget-options.ts';
export type { DrainOptions } from './relay/drain-options.ts';
export { letHelpersGiveWay } from './relay/helper-priority.ts';
export {
  type AdminOptions,
  type AdmissionOptions,
  type Authorization,
  allow,
  type DirectoryOptions,
  deny,
  type Login,
  type RelayOptions,
  type VersionOptions,
} from './relay/options.ts';
export { createRelay, type Relay, type RelayEvents } from './relay/relay.ts';
export type { RelayStats } from './relay/stats.ts';
export type { TenantStats } from './relay/tenants.ts';
export type { WhyItem, WhyReport } from './relay/why-desk.ts';
