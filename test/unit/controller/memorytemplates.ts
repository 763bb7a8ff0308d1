import type { TemplateAnswer, TemplateChanger } from '../../../src/controller/changeports.ts';
import type { Workload } from '../../../src/controller/ports.ts';
import type { StatedContainer, TemplateReader } from '../../../src/controller/statedsizes.ts';

/** What was asked of the API server, in order. */
export interface AppliedTemplate {
  readonly isDryRun: boolean;
  readonly stated: readonly StatedContainer[];
}

/** Pod templates: each statement is taken, unless something else is set. */
export class MemoryTemplates implements TemplateChanger, TemplateReader {
  readonly applied: AppliedTemplate[] = [];
  /** In turn, for the dry run and the real call; the last holds on. */
  answers: readonly TemplateAnswer[] = [{ kind: 'Accepted' }];
  /** What the field manager states. */
  own: readonly StatedContainer[] = [];
  /** Called with what was really taken. */
  onApplied: (workload: Workload, stated: readonly StatedContainer[]) => void = () => undefined;
  #next = 0;

  apply(
    workload: Workload,
    stated: readonly StatedContainer[],
    { isDryRun }: { readonly isDryRun: boolean },
  ): Promise<TemplateAnswer> {
    this.applied.push({ isDryRun, stated });
    const answer = this.answers[Math.min(this.#next++, this.answers.length - 1)];
    if (answer?.kind === 'Accepted' && !isDryRun) {
      this.own = stated;
      this.onApplied(workload, stated);
    }
    return Promise.resolve(answer ?? { kind: 'Accepted' });
  }

  ownSizes(): Promise<readonly StatedContainer[] | undefined> {
    return Promise.resolve(this.own);
  }
}
