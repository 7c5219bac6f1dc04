// @octokit/webhooks verifies and dispatches, BullMQ takes the job; Redis writes its file once a second.
import { createServer } from "node:http";
import { Webhooks, createNodeMiddleware } from "@octokit/webhooks";
import { Queue } from "bullmq";
import Redis from "ioredis";

const connection = new Redis({ path: process.env.REDIS_SOCKET, maxRetriesPerRequest: null });
const queue = new Queue("peer", { connection });
const webhooks = new Webhooks({ secret: process.env.WEBHOOK_SECRET });

webhooks.onAny(({ id, name, payload }) => queue.add(name, payload, { jobId: id }));

createServer(createNodeMiddleware(webhooks, { path: "/webhooks/chaozcode" })).listen(
  Number(process.env.PORT),
  "127.0.0.1",
);
