import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { getContainerRuntimeClient } from 'testcontainers';

const LONGEST_MS = 60_000;

/** A server as Debian packs it, and the variable that names an image to be used instead. */
interface PackagedServer {
  readonly program: string;
  readonly variable: string;
}

export interface ServerImage {
  readonly name: string;
  /** Takes the image away where it was made here. */
  remove(): Promise<void>;
}

/**
 * The image of a server: the one that the variable names, else one made of Debian's program and the libraries that it
 * is linked with, from nothing and without a registry. Rejects when the program is not installed.
 */
export async function serverImage({ program, variable }: PackagedServer): Promise<ServerImage> {
  const given = process.env[variable];
  if (given !== undefined && given !== '') return { name: given, remove: () => Promise.resolve() };
  const path = await output('which', [program]).catch((cause: unknown) => {
    const message = `${program} is not installed: install its Debian package, or name an image in ${variable}`;
    throw new Error(message, { cause });
  });
  const repo = `localhost/rightsize-${program}`;
  const tag = `test-${process.pid}`;
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const archive = archiveOf([path, ...(await librariesOf(path))]);
  const changes = [`ENTRYPOINT ["${path}"]`];
  const answer = await dockerode.importImage(archive.tar, { repo, tag, changes });
  // The engine's words on how it went: it is done when they end.
  const words = await text(answer);
  await archive.ended;
  if (words.includes('"error"')) throw new Error(`import the image of ${program}: ${words}`);
  const name = `${repo}:${tag}`;
  return {
    name,
    async remove() {
      await dockerode.getImage(name).remove();
    },
  };
}

/** Libraries and loader of a program, as ldd names them. */
async function librariesOf(path: string): Promise<readonly string[]> {
  return (await output('ldd', [path])).match(/\/\S+(?= \(0x)/g) ?? [];
}

function archiveOf(paths: readonly string[]) {
  const relative = paths.map((path) => path.replace(/^\//, ''));
  const child = spawn('tar', ['--dereference', '--create', '--directory=/', ...relative], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LONGEST_MS,
  });
  return { tar: child.stdout, ended: ends(child, 'tar') };
}

async function output(program: string, words: readonly string[]): Promise<string> {
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LONGEST_MS,
  });
  const [said] = await Promise.all([text(child.stdout), ends(child, program)]);
  return said.trim();
}

async function ends(child: ReturnType<typeof spawn>, program: string): Promise<void> {
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${code ?? 'a signal'}`);
}
