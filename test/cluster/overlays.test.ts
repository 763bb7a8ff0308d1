// That what docs/install.md says to write arrives in what is installed, whichever overlay it is.
//   test/cluster/run.sh mocha test/cluster/overlays.test.ts
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { kubectl } from '../support/cluster.ts';
import { blocks, page } from '../unit/docs/pages.ts';

interface Running {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly {
          readonly image: string;
          readonly args: readonly string[];
        }[];
      };
    };
  };
}

const [IMAGES = '', PATCHES = ''] = ['images:', 'patches:'].map((key) =>
  blocks(page('docs/install.md'), 'yaml').find((block) => block.startsWith(key)),
);

describe('what is written into an overlay', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'overlays-'));
    await cp('deploy', join(folder, 'deploy'), { recursive: true });
    await cp('crds', join(folder, 'crds'), { recursive: true });
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Image and flags of the one thing that runs. */
  async function operatorOf(path: string) {
    const all = parseAllDocuments(await kubectl('kustomize', join(folder, path)));
    const running = all.filter((each) =>
      /^(Deployment|StatefulSet)$/.test(String(each.get('kind'))),
    );
    assert.equal(running.length, 1);
    const [container] = (running[0]?.toJS() as Running).spec.template.spec.containers;
    return container ?? assert.fail();
  }

  for (const overlay of ['cluster', 'namespace', 'shards']) {
    const path = `deploy/overlays/${overlay}`;

    it(`reaches the operator of ${overlay}`, async () => {
      const file = join(folder, path, 'kustomization.yaml');
      const before = await operatorOf(path);
      const text = await readFile(file, 'utf8');
      const [, url = ''] = /value: (--prometheus-url=.*)/.exec(PATCHES) ?? [];
      const written = text
        .replace(/^images:\n(?: .*\n)*/m, IMAGES)
        .replace(/(?<=value: )--prometheus-url=.*/, url);
      await writeFile(file, written);
      const after = await operatorOf(path);
      assert.equal(after.image, 'registry.example.com/rightsize:0.1.0');
      assert.deepEqual(
        after.args,
        before.args.map((arg) => (arg.startsWith('--prometheus-url=') ? url : arg)),
      );
      assert.ok(after.args.includes('--prometheus-url=https://thanos.monitoring.svc:9090'));
    });

    it(`reaches it from a kustomization that has ${overlay} as its resource`, async () => {
      const own = { resources: [path], ...parse(IMAGES), ...parse(PATCHES) } as object;
      await writeFile(join(folder, 'kustomization.yaml'), stringify(own));
      const { image, args } = await operatorOf('.');
      assert.equal(image, 'registry.example.com/rightsize:0.1.0');
      assert.equal(args[1], '--prometheus-url=https://thanos.monitoring.svc:9090');
    });
  }
});
