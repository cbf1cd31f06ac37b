interface Column<T> {
  constructor: unknown;
  length: number;
  set(from: T): void;
}

/** A column of the same kind with `capacity` rows that begins with what `column` holds. */
export function grow<T extends Column<T>>(column: T, capacity: number): T {
  const larger = new (column.constructor as new (length: number) => T)(capacity);
  larger.set(column);
  return larger;
}
