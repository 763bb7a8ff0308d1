import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { RecommendationStatus } from '../api/recommendation.ts';
import { LastUnpacked } from '../controller/lastunpacked.ts';
import type { StoredRecommendation } from '../controller/ports.ts';

/** A status has a few kilobytes: to make ready for more takes longer than to deflate it. */
const SHORT = { windowBits: 12, memLevel: 4 };

/** A Recommendation is looked at several times in a row, and a few are at once. */
const MOST_UNPACKED = 8;

const UNPACKED = new LastUnpacked<PackedRecommendation, RecommendationStatus>(MOST_UNPACKED);

/**
 * A Recommendation whose status is kept as deflated JSON, in a quarter of what its objects take: each of thousands is looked
 * at once an hour. A copy of its own properties has the packed status only; two are alike where these are.
 */
export class PackedRecommendation implements StoredRecommendation {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly targetRef: StoredRecommendation['targetRef'];
  readonly ownerUid: string | undefined;
  readonly isActive: boolean;
  readonly hasHistory: boolean;
  /** One character a byte: next to each other in the heap, where a Buffer of each has overhead. */
  readonly deflatedStatus: string | undefined;

  constructor({ status, ...stored }: StoredRecommendation) {
    this.namespace = stored.namespace;
    this.name = stored.name;
    this.uid = stored.uid;
    this.targetRef = stored.targetRef;
    this.ownerUid = stored.ownerUid;
    this.isActive = stored.isActive;
    this.hasHistory = (status?.history ?? []).length > 0;
    this.deflatedStatus =
      status && deflateRawSync(JSON.stringify(status), SHORT).toString('latin1');
  }

  get status(): RecommendationStatus | undefined {
    const { deflatedStatus } = this;
    if (deflatedStatus === undefined) return undefined;
    return UNPACKED.of(this, () => {
      const json = inflateRawSync(Buffer.from(deflatedStatus, 'latin1')).toString('utf8');
      return JSON.parse(json) as RecommendationStatus;
    });
  }
}
