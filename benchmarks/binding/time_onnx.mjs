// Times an .onnx file through ONNX Runtime's binding for Node: nothing here is digitedge's.
//
//     node time_onnx.mjs job.json
//
// The job names `model`, `images` (float32, one tensor after another), `dims` of one tensor, `seconds` and
// `warm_up_seconds`, and the files to write: `samples` (float64, microseconds of each call) and `outputs` (float32, what
// each image gave). Prints the versions as JSON.
//
// `session.run` hands the call to the event loop by setImmediate, which then runs it on this very thread
// (onnxruntime-node/dist/backend.js): there is no other thread to wait for, and one turn of the loop is in every sample.
import { readFileSync, writeFileSync } from "node:fs";
import * as ort from "onnxruntime-node";

const job = JSON.parse(readFileSync(process.argv[2], "utf8"));
const session = await ort.InferenceSession.create(job.model, {
  executionProviders: ["cpu"],
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  interOpNumThreads: 1,
  intraOpNumThreads: 1,
  logSeverityLevel: 4,
});
const [input] = session.inputNames;
const [output] = session.outputNames;
const bytes = readFileSync(job.images);
const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const length = job.dims.reduce((product, dim) => product * dim, 1);
const feeds = Array.from({ length: numbers.length / length }, (_, place) => ({
  [input]: new ort.Tensor("float32", numbers.slice(place * length, (place + 1) * length), job.dims),
}));

async function time(seconds) {
  const samples = [];
  const enough = process.hrtime.bigint() + BigInt(Math.round(seconds * 1e9));
  for (let call = 0; ; call++) {
    const feed = feeds[call % feeds.length];
    const start = process.hrtime.bigint();
    await session.run(feed);
    const end = process.hrtime.bigint();
    samples.push(Number(end - start) / 1e3);
    if (end >= enough) return Float64Array.from(samples);
  }
}

await time(job.warm_up_seconds);
writeFileSync(job.samples, await time(job.seconds));
const outputs = [];
for (const feed of feeds) outputs.push(...(await session.run(feed))[output].data);
writeFileSync(job.outputs, Float32Array.from(outputs));
console.log(JSON.stringify({ node: process.versions.node, package: ort.env.versions.node }));
