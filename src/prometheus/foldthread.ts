import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { PackedUsage } from '../recommend/packed.ts';
import { PrometheusError } from './prometheuserror.ts';
import type { FoldCall, FoldReply } from './foldcalls.ts';
import type { Folded, RawAnswer, RawFolds } from './rawfolds.ts';

/** TypeScript, or JavaScript in the image. */
const WORKER = new URL(`./foldworker${extname(import.meta.filename)}`, import.meta.url);

/** A quarter of a frame of Prometheus: larger ones are no quicker, and several answers have some under way. */
const BLOCK_BYTES = 256 * 1024;
/** Of one answer: more than these are waited for, so that memory stays small where folding is slower than the server. */
const BLOCKS_UNDER_WAY = 3;
/** Its memory is given back when it has nothing to do for so long. */
const IDLE_SECONDS = 10;
/** What is young there dies young: more room for it only fills. */
const YOUNG_MEGABYTES = 16;
/** Ten times what is held there; the smaller the bound, the sooner V8 collects. */
const OLD_MEGABYTES = 256;

type Reply = PromiseWithResolvers<FoldReply>;

/**
 * A thread beside, in which streamed answers are folded into histories while this one receives and recommends. It is
 * there while somebody reads. Where it ends by itself, what was read in it rejects, and the next reading has another.
 */
export class FoldThread {
  #worker: Worker | undefined;
  #waiting: Reply[] = [];
  #free: ArrayBuffer[] = [];
  #timer: NodeJS.Timeout | undefined;
  #readings = 0;
  #lastNumber = 0;

  open(): RawFolds<PackedUsage> {
    const reading = ++this.#lastNumber;
    clearTimeout(this.#timer);
    this.#readings += 1;
    this.#worker ??= this.#start();
    let isOver = false;
    const call = (of: FoldCall): Promise<FoldReply> =>
      isOver ? Promise.reject(new Error('the reading is over')) : this.#call(of);
    return {
      begin: (question) => {
        const answer = ++this.#lastNumber;
        const begun = call({ do: 'begin', reading, answer, question });
        return new BesideAnswer(answer, begun, {
          call,
          block: () => this.#free.pop() ?? new ArrayBuffer(BLOCK_BYTES),
        });
      },
      close: async (workload) => {
        const { usage } = await call({ do: 'close', reading, workload });
        return usage ?? new Map<string, PackedUsage>();
      },
      end: () => {
        isOver = true;
        if (this.#worker !== undefined) void this.#call({ do: 'forget', reading }).catch(ignored);
        this.#readings -= 1;
        if (this.#readings > 0) return;
        this.#timer = setTimeout(() => this.stop(), IDLE_SECONDS * 1000).unref();
      },
    };
  }

  stop(): void {
    clearTimeout(this.#timer);
    void this.#worker?.terminate();
    this.#ended(new Error('the thread that folds usage was told to end'));
  }

  #call(call: FoldCall): Promise<FoldReply> {
    const worker = (this.#worker ??= this.#start());
    const reply = Promise.withResolvers<FoldReply>();
    this.#waiting.push(reply);
    worker.ref();
    worker.postMessage(call, call.do === 'take' ? [call.bytes] : []);
    return reply.promise;
  }

  #start(): Worker {
    const worker = new Worker(WORKER, {
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_MEGABYTES,
        maxOldGenerationSizeMb: OLD_MEGABYTES,
      },
    });
    worker.on('message', (reply: FoldReply) => this.#take(reply));
    // Nothing is waited for yet.
    worker.unref();
    const ended = (error: Error): void => {
      if (this.#worker === worker) this.#ended(error);
    };
    worker.on('error', ended);
    worker.on('exit', () => ended(new Error('the thread that folds usage ended')));
    return worker;
  }

  #take(reply: FoldReply): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#worker?.unref();
    if (reply.bytes !== undefined) this.#free.push(reply.bytes);
    const { failure } = reply;
    if (failure === undefined) waiting?.resolve(reply);
    else {
      const { reason, message, tooLarge } = failure;
      waiting?.reject(new PrometheusError(reason, message, { tooLarge }));
    }
  }

  #ended(error: Error): void {
    const waiting = this.#waiting;
    this.#worker = undefined;
    this.#waiting = [];
    this.#free = [];
    for (const { reject } of waiting) reject(error);
  }
}

function ignored(): void {
  // Whoever waits for a thread that ended is told by its own call.
}

interface Beside {
  call(call: FoldCall): Promise<FoldReply>;
  /** Of BLOCK_BYTES. */
  block(): ArrayBuffer;
}

/** Sends an answer over in blocks. What fails over there is thrown by the next call here. */
class BesideAnswer implements RawAnswer {
  readonly #answer: number;
  readonly #beside: Beside;
  #block: ArrayBuffer | undefined;
  #length = 0;
  #samples = 0;
  /** That are not replied to yet, the oldest first; a failure stays among them. */
  #underWay: Promise<void>[] = [];

  constructor(answer: number, begun: Promise<FoldReply>, beside: Beside) {
    this.#answer = answer;
    this.#beside = beside;
    this.#wait(begun);
  }

  get samples(): number {
    return this.#samples;
  }

  take(part: Uint8Array): Promise<void> | undefined {
    let rest = part;
    while (rest.length > 0) {
      this.#block ??= this.#beside.block();
      const now = rest.subarray(0, BLOCK_BYTES - this.#length);
      new Uint8Array(this.#block).set(now, this.#length);
      this.#length += now.length;
      rest = rest.subarray(now.length);
      if (this.#length === BLOCK_BYTES) this.#send();
    }
    return this.#underWay.length > BLOCKS_UNDER_WAY ? this.#oldest() : undefined;
  }

  async end(): Promise<void> {
    this.#send();
    this.#wait(this.#beside.call({ do: 'end', answer: this.#answer }));
    while (this.#underWay.length > 0) await this.#oldest();
  }

  async fold(): Promise<Folded> {
    const { folded } = await this.#beside.call({ do: 'fold', answer: this.#answer });
    return folded ?? { strangers: [], marks: undefined };
  }

  drop(): void {
    this.#wait(this.#beside.call({ do: 'drop', answer: this.#answer }));
  }

  #send(): void {
    const bytes = this.#block;
    if (bytes === undefined) return;
    const length = this.#length;
    this.#block = undefined;
    this.#length = 0;
    this.#wait(this.#beside.call({ do: 'take', answer: this.#answer, bytes, length }));
  }

  async #oldest(): Promise<void> {
    await this.#underWay[0];
    void this.#underWay.shift();
  }

  #wait(reply: Promise<FoldReply>): void {
    const done = reply.then(({ samples }) => {
      this.#samples = samples ?? this.#samples;
    });
    // Looked at by whoever comes next, so that it is not unhandled until then.
    void done.catch(ignored);
    this.#underWay.push(done);
  }
}
