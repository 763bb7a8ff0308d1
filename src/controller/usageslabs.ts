/** So large that its memory is given back by itself, and so small that the last one may be nearly empty. */
const SLAB_BYTES = 2 ** 18;
/** What takes more than this has a slab of its own. */
const MOST_SHARED_BYTES = SLAB_BYTES / 8;
/** Room of freed histories that is put up with, as a share of what is in use. */
const MOST_FREED_SHARE = 0.2;

interface Slab {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Those that were put here, also freed ones. */
  readonly slots: Slot[];
  /** Room from here on was never taken. */
  end: number;
  usedBytes: number;
}

/** Where a history lies. */
interface Place {
  readonly slab: Slab;
  readonly begin: number;
}

/** Holds one history, or what was made of one, until it is freed. */
export class Slot {
  readonly length: number;
  /** Where the walk over a history is kept, in a slot of its own: to be freed by who put it. */
  walk: Slot | undefined;
  #slab: Slab | undefined;
  #begin: number;

  constructor(length: number, { slab, begin }: Place) {
    this.length = length;
    this.#slab = slab;
    this.#begin = begin;
  }

  /** The history, to be read at once: it may lie elsewhere later. No bytes once it is freed. */
  get packed(): Uint8Array {
    if (this.#slab === undefined) return new Uint8Array(0);
    return this.#slab.bytes.subarray(this.#begin, this.#begin + this.length);
  }

  get slab(): Slab | undefined {
    return this.#slab;
  }

  moveTo({ slab, begin }: Place): void {
    this.#slab = slab;
    this.#begin = begin;
  }

  empty(): void {
    this.#slab = undefined;
  }
}

/**
 * Packed histories, put one behind the other into slabs of memory. Thousands of them are replaced every hour by ones that
 * are some bytes longer: each in memory of its own, they leave holes between them.
 */
export class UsageSlabs {
  readonly #slabs = new Set<Slab>();
  #open: Slab | undefined;
  #usedBytes = 0;
  #takenBytes = 0;

  /** Of memory that is held. */
  get heldBytes(): number {
    let sum = 0;
    for (const { bytes } of this.#slabs) sum += bytes.length;
    return sum;
  }

  /** Takes a copy. */
  put(packed: Uint8Array): Slot {
    const place = this.#placeFor(packed);
    const slot = new Slot(packed.length, place);
    place.slab.slots.push(slot);
    return slot;
  }

  /** The slot holds nothing then; one that is free already stays so. */
  free(slot: Slot): void {
    const { slab, length } = slot;
    if (slab === undefined) return;
    slot.empty();
    slab.usedBytes -= length;
    this.#usedBytes -= length;
    this.#dropIfEmpty(slab);
    if (this.#takenBytes - this.#usedBytes > this.#usedBytes * MOST_FREED_SHARE + SLAB_BYTES) {
      this.#emptyOne();
    }
  }

  #placeFor(packed: Uint8Array): Place {
    const slab = this.#slabFor(packed.length);
    const begin = slab.end;
    slab.bytes.set(packed, begin);
    slab.end += packed.length;
    slab.usedBytes += packed.length;
    this.#usedBytes += packed.length;
    this.#takenBytes += packed.length;
    return { slab, begin };
  }

  #slabFor(length: number): Slab {
    if (length > MOST_SHARED_BYTES) return this.#newSlab(length);
    const open = this.#open;
    if (open !== undefined && open.end + length <= SLAB_BYTES) return open;
    this.#open = this.#newSlab(SLAB_BYTES);
    if (open !== undefined) this.#dropIfEmpty(open);
    return this.#open;
  }

  #newSlab(size: number): Slab {
    const slab = { bytes: new Uint8Array(size), slots: [], end: 0, usedBytes: 0 };
    this.#slabs.add(slab);
    return slab;
  }

  #dropIfEmpty(slab: Slab): void {
    if (slab.usedBytes > 0 || slab === this.#open) return;
    this.#takenBytes -= slab.end;
    this.#slabs.delete(slab);
    // At once, not when garbage is collected.
    slab.bytes.buffer.transfer(0);
  }

  /** Puts what is left of the slab with most freed room into the open one. */
  #emptyOne(): void {
    let most: Slab | undefined;
    for (const slab of this.#slabs) {
      const isMore = most === undefined || slab.end - slab.usedBytes > most.end - most.usedBytes;
      if (slab !== this.#open && isMore) most = slab;
    }
    if (most === undefined) return;
    for (const slot of most.slots) {
      if (slot.slab !== most) continue;
      const place = this.#placeFor(slot.packed);
      slot.moveTo(place);
      place.slab.slots.push(slot);
      most.usedBytes -= slot.length;
      this.#usedBytes -= slot.length;
    }
    this.#dropIfEmpty(most);
  }
}
