import type { Node, NodeAPI, NodeDef } from 'node-red';
import { SmolvlmError } from '../../src/errors';
import { DescribeService } from '../../src/mqtt/describe-service';
import { DescribeTopics } from '../../src/mqtt/describe-topics';
import type { CameraAnswer, CameraRequest } from '../../src/mqtt/requests/camera-request';
import { dialogValues } from '../../src/node-red/dialog-values';
import { chosenEngine } from '../../src/node-red/engine/engine-node';
import { failureText } from '../../src/node-red/failures/failure-text';
import { type BrokerNode, type BrokerState, BrokerTransport } from '../../src/node-red/mqtt/broker-transport';
import { cameraCredentials } from '../../src/node-red/mqtt/camera-logins';
import { FlowErrors } from '../../src/node-red/mqtt/flow-errors';
import {
  type MqttDialog,
  type SnapshotCredentials,
  serviceSettings,
} from '../../src/node-red/mqtt/mqtt-dialog';
import { mqttOutput } from '../../src/node-red/mqtt/mqtt-output';
import { EngineStatusLine } from '../../src/node-red/status/engine-status-line';
import { StatusWords } from '../../src/node-red/status/node-status';
import { phrasesOf } from '../../src/node-red/status/phrase';
import { showStatus } from '../../src/node-red/status/show-status';
import { StatusThrottle } from '../../src/node-red/status/status-throttle';
import { troubleWords } from '../../src/node-red/status/trouble-words';
import { packageVersion } from '../../src/package-version';
import { fillPrompt } from '../../src/template/prompt-template';

const words = new StatusWords(phrasesOf('smolvlm-mqtt'), troubleWords('smolvlm-mqtt'));

export = (RED: NodeAPI): void => {
  function SmolvlmMqttNode(
    this: Node<SnapshotCredentials>,
    given: NodeDef & MqttDialog & { engine: string; broker: string },
  ): void {
    RED.nodes.createNode(this, given);
    const config = dialogValues(given);
    const errors = new FlowErrors(this, RED.events, failureText(RED, 'smolvlm-mqtt'));
    try {
      const { service, transport } = open(this, config, errors);
      service.start();
      transport.register();
      this.on('close', (removed: boolean, done: (error?: Error) => void) => {
        service.close(removed).then(() => done(), done);
      });
    } catch (error) {
      showStatus(RED, this)(words.refused(error));
      errors.report(error);
    }
  }

  function open(
    node: Node<SnapshotCredentials>,
    config: MqttDialog & { engine: string; broker: string },
    errors: FlowErrors,
  ): { service: DescribeService; transport: BrokerTransport } {
    const engineNode = chosenEngine(RED, config.engine);
    const brokerNode = RED.nodes.getNode(config.broker) as BrokerNode | null;
    if (!brokerNode?.register) {
      throw new SmolvlmError('node-no-broker', 'no broker is chosen', {
        hint: 'Open the node and choose or add a broker.',
      });
    }
    const engine = engineNode.engine();
    const settings = serviceSettings(config, node.credentials, engineNode.settings.defaults);

    const throttle = new StatusThrottle(showStatus(RED, node));
    const { show } = throttle;
    const onState = (state: BrokerState): void => {
      const shape = state === 'connected' ? 'dot' : 'ring';
      const fill = { connected: 'green', connecting: 'yellow', disconnected: 'red' } as const;
      // An engine that cannot describe a picture matters more than the broker that would bring one.
      if (state === 'connected' && engineNode.fault) show(words.refused(engineNode.fault));
      else show({ fill: fill[state], shape, phrases: [{ key: `node-red:common.status.${state}` }] });
    };
    const onAnswer = (request: CameraRequest, answer: CameraAnswer): void => {
      if (answer.kind === 'error') {
        show(words.failed(answer.error));
        errors.report(answer.error, { topic: request.camera, camera: request.camera });
        return;
      }
      if (answer.kind === 'caption') {
        const { queuedMs, timingsMs } = answer.attributes;
        show(words.answered(queuedMs + timingsMs.total));
      } else {
        show(words.dropped(answer.reason));
      }
      node.send(mqttOutput(request, answer));
    };

    const line = new EngineStatusLine(engine, words, show);
    let reported = '';
    const transport = new BrokerTransport(brokerNode, {
      onState: (state) => {
        if (state === 'connected') reported = '';
        onState(state);
      },
      onFailure: ({ error }) => {
        show(words.refused(error));
        // The same failure comes every few seconds.
        if (reported !== error.message) errors.report(error);
        reported = error.message;
      },
    });
    const service = new DescribeService({
      transport,
      engine,
      settings,
      version: packageVersion(),
      fillPrompt,
      onProgress: (_camera, event) => line.onEvent(event, 0),
      onTrouble: (error) => errors.report(error),
      onAnswer,
    });
    node.on('close', () => {
      line.close();
      throttle.close();
    });
    const { availability } = new DescribeTopics(settings.base);
    const will = { topic: availability, payload: 'offline', qos: settings.qos, retain: true };
    if (!transport.offerWill(will))
      node.warn(RED._('smolvlm-mqtt.warning.will', { topic: availability } as never));
    return { service, transport };
  }

  RED.nodes.registerType('smolvlm-mqtt', SmolvlmMqttNode as never, {
    credentials: { user: { type: 'text' }, password: { type: 'password' }, ...cameraCredentials },
  });
};
