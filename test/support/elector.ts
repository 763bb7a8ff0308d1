// A candidate for leadership as a process of its own: elector.ts NAMESPACE LEASE [TIMING-JSON].
// Says on stdout, ten times a second and on each change, whether it may act; stops cleanly on SIGTERM.
import { KubeConnection } from '../../src/kube/connection.ts';
import { loadKubeConfig } from '../../src/kube/kubeconfig.ts';
import { LeaderElection } from '../../src/kube/lease.ts';

const [, , namespace = '', name = '', timing = '{}'] = process.argv;
const connection = new KubeConnection(() => loadKubeConfig());
const election = new LeaderElection({
  connection,
  namespace,
  name,
  onElected: () => say('Elected'),
  onLost: (reason) => say(`Lost: ${reason}`),
  onError: (error) => say(`Error: ${error.message}`),
  timing: JSON.parse(timing) as Record<string, number>,
});

function say(event: string): void {
  process.stdout.write(
    `${JSON.stringify({ event, leads: election.isLeader(), atMs: Date.now() })}\n`,
  );
}

const ticking = setInterval(() => say('Tick'), 100);
election.start();
process.once('SIGTERM', () => {
  clearInterval(ticking);
  void election
    .stop()
    .then(() => connection.close())
    .then(() => say('Stopped'));
});
