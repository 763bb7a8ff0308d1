import { mkdir, open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Log } from '../controller/ports.ts';
import type { KeptUsage, UsageStore } from '../controller/usagestore.ts';
import { readUsage, writeUsage, type Unusable } from './format.ts';
import { identityOf, type StateSource } from './identity.ts';

const NAME = 'usage.state';
/** Beside it while it is written; what a killed process left is removed. */
const WRITING = '.writing';
/** Files that were set aside are there to be looked at: the newest of them. */
const MOST_ASIDE = 3;

export interface UsageFileOptions {
  /** A folder that outlives the process; made where it is missing. */
  readonly folder: string;
  readonly source: StateSource;
  readonly log: Log;
  readonly clock: Clock;
}

const SAYS: Readonly<Record<Unusable, string>> = {
  damaged: 'it is damaged',
  older: 'an older version wrote it',
  newer: 'a newer version wrote it',
  foreign: 'it is of another Prometheus or tenant, or of other label matchers',
};

/**
 * Usage in a file, `usage.state`, that is replaced as a whole: a process that is killed while it writes leaves the one
 * before. A file that cannot be relied on is set aside under a name that says why, and all is read from Prometheus.
 */
export class UsageFile implements UsageStore {
  readonly #options: UsageFileOptions;
  #identity: Promise<Uint8Array> | undefined;
  readonly #path: string;
  #savedSeconds = 0;

  constructor(options: UsageFileOptions) {
    this.#options = options;
    this.#path = join(options.folder, NAME);
  }

  /** When the file that is there was saved, by this process or the one before; 0 where none is known of. */
  get savedSeconds(): number {
    return this.#savedSeconds;
  }

  async load(): Promise<readonly KeptUsage[]> {
    const { log } = this.#options;
    try {
      await this.#removeUnfinished();
      const read = await this.#read();
      if (read === undefined) return [];
      if (typeof read !== 'string') {
        log.info({ file: this.#path, workloads: read.length }, 'usage taken from the state file');
        return read;
      }
      await this.#setAside(read);
    } catch (error) {
      log.warn({ file: this.#path, err: error }, 'the state file cannot be read; all is read anew');
    }
    return [];
  }

  /** Undefined where there is no file. */
  async #read(): Promise<readonly KeptUsage[] | Unusable | undefined> {
    const file = await openIfThere(this.#path);
    try {
      if (file === undefined) return undefined;
      const read = await readUsage(file, await this.#identityOnce());
      if (typeof read !== 'string') this.#savedSeconds = (await file.stat()).mtimeMs / 1000;
      return read;
    } finally {
      await file?.close();
    }
  }

  async save(usage: Iterable<KeptUsage>): Promise<void> {
    const { folder, log } = this.#options;
    try {
      await mkdir(folder, { recursive: true });
      const identity = await this.#identityOnce();
      const writing = `${this.#path}${WRITING}`;
      const file = await open(writing, 'w', 0o600);
      try {
        await writeUsage(file, identity, usage);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(writing, this.#path);
      await syncFolder(folder);
      this.#savedSeconds = this.#options.clock.nowSeconds();
    } catch (error) {
      log.warn({ file: this.#path, err: error }, 'usage could not be saved; a restart reads all');
    }
  }

  /**
   * Once and for all: usage that was read before the file of a header changed is of the tenant of then, so that a
   * restart is not to take it for the other's.
   */
  async #identityOnce(): Promise<Uint8Array> {
    this.#identity ??= identityOf(this.#options.source);
    try {
      return await this.#identity;
    } catch (error) {
      this.#identity = undefined;
      throw error;
    }
  }

  async #setAside(why: Unusable): Promise<void> {
    const { folder, log, clock } = this.#options;
    const aside = `${this.#path}.${why}-${Math.floor(clock.nowSeconds())}`;
    await rename(this.#path, aside);
    log.warn({ file: this.#path, aside }, `the state file is not used: ${SAYS[why]}`);
    const others = (await readdir(folder)).filter((name) => asideSeconds(name) !== undefined);
    others.sort((a, b) => (asideSeconds(b) ?? 0) - (asideSeconds(a) ?? 0));
    for (const name of others.slice(MOST_ASIDE)) await rm(join(folder, name), { force: true });
  }

  async #removeUnfinished(): Promise<void> {
    await rm(`${this.#path}${WRITING}`, { force: true });
  }
}

function asideSeconds(name: string): number | undefined {
  const match = /^usage\.state\.(?:damaged|older|newer|foreign)-(\d+)$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** So that the new name outlives a loss of power; not every system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
