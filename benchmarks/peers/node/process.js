// BullMQ, a job an event. `worker CONCURRENCY` or `send NUMBER PREFIX`.
import { Queue, Worker } from "bullmq";
import Redis from "ioredis";

const connection = new Redis({ path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null });
const [command, number, prefix] = process.argv.slice(2);

if (command === "worker") {
  new Worker("peer", async () => null, { connection, concurrency: Number(number) });
} else {
  const queue = new Queue("peer", { connection });
  for (let done = 0; done < Number(number); done += 1000) {
    const count = Math.min(1000, Number(number) - done);
    await queue.addBulk(
      Array.from({ length: count }, (_, each) => ({
        name: "event",
        data: { id: `evt_${prefix}_${done + each}` },
      })),
    );
  }
  await queue.close();
  connection.disconnect();
}
