import { Leading } from './leading.ts';
import type { ControllerOptions } from './options.ts';
import type { ClusterChange } from './ports.ts';
import type { ControllerSnapshot } from './snapshot.ts';

/**
 * Keeps Recommendations and policy status in line with the cluster: changes become keys, and each key is brought in
 * line from what is observed then, whatever woke it. Leads or rests; nothing is written while it rests.
 */
export class Controller {
  readonly #options: ControllerOptions;
  #leading: Leading | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  get snapshot(): ControllerSnapshot {
    return (
      this.#leading?.snapshot ?? {
        outcomes: new Map(),
        usage: { wanted: 0, failing: 0, unread: 0 },
        queueDepth: 0,
        calibrations: new Map(),
        isBreakerOpen: false,
      }
    );
  }

  /** To be called when the watches have caught up and this instance leads. */
  lead(): void {
    this.#leading ??= new Leading(this.#options);
  }

  /** Ends what is under way. */
  async rest(): Promise<void> {
    const leading = this.#leading;
    this.#leading = undefined;
    await leading?.stop();
  }

  /** Other namespaces than before are this instance's to work on. */
  territoryChanged(): void {
    this.#leading?.territoryChanged();
  }

  /** Other shards told other figures. */
  figuresChanged(): void {
    this.#leading?.figuresChanged();
  }

  changed(change: ClusterChange): void {
    this.#leading?.changed(change);
  }
}
