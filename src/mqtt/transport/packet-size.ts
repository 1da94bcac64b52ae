import type { OutgoingMessage } from './mqtt-transport';

/** Fixed header, lengths, packet identifier and property identifiers of a PUBLISH packet, at most. */
const overheadBytes = 32;

/** Size of the PUBLISH packet of a message; a few bytes more than the exact size. */
export function packetBytes({ topic, payload, contentType = '', correlationData }: OutgoingMessage): number {
  return (
    overheadBytes +
    Buffer.byteLength(topic) +
    Buffer.byteLength(payload) +
    Buffer.byteLength(contentType) +
    (correlationData?.byteLength ?? 0)
  );
}
