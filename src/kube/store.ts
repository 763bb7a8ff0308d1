import { isDeepStrictEqual } from 'node:util';

/** What became of one object, as its projection shows it. */
export type Change<T> =
  | { readonly kind: 'Added'; readonly key: string; readonly item: T }
  | { readonly kind: 'Updated'; readonly key: string; readonly item: T; readonly before: T }
  | { readonly kind: 'Deleted'; readonly key: string; readonly before: T };

/** What is known of one kind, by key. */
export type StoreView<T> = ReadonlyMap<string, T>;

/** Projected objects by key; tells what each write changed, and nothing when the projection is as before. */
export class Store<T> {
  readonly #items = new Map<string, T>();

  get view(): StoreView<T> {
    return this.#items;
  }

  /** `undefined` takes the object out. */
  put(key: string, item: T | undefined): Change<T> | undefined {
    const before = this.#items.get(key);
    if (item === undefined) {
      this.#items.delete(key);
      return before === undefined ? undefined : { kind: 'Deleted', key, before };
    }
    this.#items.set(key, item);
    if (before === undefined) return { kind: 'Added', key, item };
    return isDeepStrictEqual(before, item) ? undefined : { kind: 'Updated', key, item, before };
  }

  /** Makes the content equal to a whole list. */
  replace(items: ReadonlyMap<string, T>): readonly Change<T>[] {
    const gone = [...this.#items.keys()].filter((key) => !items.has(key));
    const changes = [
      ...gone.map((key) => this.put(key, undefined)),
      ...[...items].map(([key, item]) => this.put(key, item)),
    ];
    return changes.filter((change) => change !== undefined);
  }
}
