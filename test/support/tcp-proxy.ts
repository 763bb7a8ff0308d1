import { connect, createServer, isIP, type AddressInfo, type Server, type Socket } from 'node:net';
import type { KubeConfig } from '@kubernetes/client-node';

/** Passes bytes on to one address, TLS and all, and counts the connections. */
export class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  connections = 0;

  constructor(host: string, port: number) {
    this.#server = createServer((near) => {
      this.connections++;
      const far = connect({ host, port });
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  /** In front of the kubeconfig's cluster; answers with the kubeconfig that goes through it. */
  static async before(config: KubeConfig): Promise<{ proxy: TcpProxy; config: KubeConfig }> {
    const target = new URL(config.getCurrentCluster()?.server ?? '');
    const proxy = new TcpProxy(target.hostname, Number(target.port || 443));
    const { promise, resolve } = Promise.withResolvers<undefined>();
    proxy.#server.listen(0, '127.0.0.1', () => resolve(undefined));
    await promise;
    const { port } = proxy.#server.address() as AddressInfo;
    // Every API server's certificate is good for its name inside the cluster.
    const tlsServerName = isIP(target.hostname) === 0 ? target.hostname : 'kubernetes.default.svc';
    const server = `${target.protocol}//127.0.0.1:${port}`;
    config.clusters = config.clusters.map((cluster) => ({ ...cluster, server, tlsServerName }));
    return { proxy, config };
  }

  /** Ends the connections that are open. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#server.close(() => resolve(undefined));
    this.cut();
    await promise;
  }
}
