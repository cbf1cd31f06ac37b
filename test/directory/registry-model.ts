/** What the registry must do, in plain maps: names follow from records, so nothing can disagree. */
export interface ModelRecord {
  seq: number;
  name: string | undefined;
  searchable: boolean;
  expiresMs: number;
}

export interface ModelPublish {
  peer: number;
  record: ModelRecord;
  former: { peer: number; record: ModelRecord } | null;
}

export class RegistryModel {
  records = new Map<number, ModelRecord>();
  readonly #maxRecords: number;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  copy(): RegistryModel {
    const copy = new RegistryModel(this.#maxRecords);
    copy.records = new Map(this.records);
    return copy;
  }

  ownerOf(name: string): number | undefined {
    return [...this.records].find(([, record]) => record.name === name)?.[0];
  }

  /** @returns the failure's code, or null. */
  publish({ peer, record, former }: ModelPublish, nowMs: number): string | null {
    const own = this.records.get(peer);
    if (own && record.seq <= own.seq) return 'stale-record';
    const owner = record.name === undefined ? undefined : this.ownerOf(record.name);
    const rival = owner === undefined || owner === peer ? undefined : this.records.get(owner)!;
    const isGone = rival !== undefined && rival.expiresMs <= nowMs;
    if (rival && !isGone) {
      if (former?.peer !== owner) return 'name-taken';
      if (former!.record.seq <= rival.seq) return 'stale-record';
    }
    if (!own && this.records.size - (isGone ? 1 : 0) >= this.#maxRecords) return 'directory-full';
    if (rival && isGone) this.records.delete(owner!);
    if (rival && !isGone) this.records.set(owner!, former!.record);
    this.records.set(peer, record);
    return null;
  }

  sweep(nowMs: number): number {
    const due = [...this.records].filter(([, record]) => record.expiresMs <= nowMs);
    for (const [peer] of due) this.records.delete(peer);
    return due.length;
  }
}
