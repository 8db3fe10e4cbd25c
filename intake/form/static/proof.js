// The proof of work a server may ask for: see package guard for the algorithm.
// It runs in a worker, so that the page stays quick.
export function solve(challenge, worker) {
  return new Promise((resolve) => {
    const w = new Worker(worker, { type: "module" });
    w.onmessage = (event) => { resolve(event.data); w.terminate(); };
    w.onerror = () => { resolve(""); w.terminate(); };
    w.postMessage(challenge);
  });
}
