/** The last few that were unpacked, so that what is looked at several times in a row is unpacked once. */
export class LastUnpacked<Packed, Unpacked> {
  readonly #most: number;
  readonly #onDropped: (unpacked: Unpacked) => void;
  /** The newest first. */
  #last: readonly { readonly packed: Packed; readonly unpacked: Unpacked }[] = [];

  /** Of one that is dropped, `onDropped` is told. */
  constructor(most: number, onDropped: (unpacked: Unpacked) => void = () => undefined) {
    this.#most = most;
    this.#onDropped = onDropped;
  }

  /** Known by identity: what is packed never changes. */
  of(packed: Packed, unpack: () => Unpacked): Unpacked {
    const known = this.#last.find((each) => each.packed === packed);
    if (known !== undefined) return known.unpacked;
    for (const dropped of this.#last.slice(this.#most - 1)) this.#onDropped(dropped.unpacked);
    const unpacked = unpack();
    this.#last = [{ packed, unpacked }, ...this.#last.slice(0, this.#most - 1)];
    return unpacked;
  }
}
