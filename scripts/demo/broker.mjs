import { createServer } from 'node:net';
import { Aedes } from 'aedes';

/** An MQTT broker in this process, on this machine only. @param port 0: any */
export async function startBroker(port) {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port: server.address().port,
    publish: (topic, payload) =>
      new Promise((resolve, reject) => {
        aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false }, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
    /** Calls back with topic and payload of whatever clients publish. */
    onMessage: (listener) =>
      aedes.on('publish', ({ topic, payload }, client) => client && listener(topic, payload)),
    /** Waits until a client has subscribed to the topic filter. */
    subscribed: (filter) =>
      new Promise((resolve) => {
        aedes.on('subscribe', (subscriptions) => {
          if (subscriptions.some(({ topic }) => topic === filter)) resolve();
        });
      }),
    close: () => new Promise((resolve) => aedes.close(() => server.close(resolve))),
  };
}
