import { timelineStoreContract } from '../contract/timeline-store-contract';
import { MemoryTimeline } from './memory-timeline';

timelineStoreContract('memory', async () => new MemoryTimeline());
