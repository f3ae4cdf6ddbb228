// Asks the same small thing again and again in a thread of its own, so that its waits have nothing of the work of whoever
// floods. Answers, when it is told that the flood is over, how long each answer took (ms).
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const { url, request } = workerData;
const waits = [];
let isOver = false;
parentPort.once('message', () => {
  isOver = true;
});
while (!isOver || waits.length < 5) {
  const begun = performance.now();
  const answer = await fetch(url, request);
  await answer.text();
  if (answer.status !== 200) throw new Error(`the innocent one was answered with ${answer.status}`);
  waits.push(performance.now() - begun);
  await pause(10);
}
parentPort.postMessage(waits);
