// The worker of proof.js: finds N with SHA-256(EXPIRY.DIFFICULTY.SALT.N) = DIGEST
// and answers CHALLENGE.N. SHA-256 (FIPS 180-4) is written out here because the
// browser's own takes a message a call, which is far slower, and is missing on
// plain http.
const K = new Uint32Array(64);
const H = new Uint32Array(8);
for (let n = 2, i = 0; i < 64; n++) {
  let prime = true;
  for (let d = 2; d * d <= n; d++) if (n % d === 0) { prime = false; break; }
  if (!prime) continue;
  const frac = (x) => (x - Math.floor(x)) * 0x100000000;
  if (i < 8) H[i] = frac(Math.sqrt(n));
  K[i++] = frac(Math.cbrt(n));
}

const W = new Uint32Array(64);
const rotr = (x, n) => (x >>> n) | (x << (32 - n));

function block(h, bytes, at) {
  for (let i = 0; i < 16; i++, at += 4) W[i] = bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
  for (let i = 16; i < 64; i++) {
    const a = W[i - 15], b = W[i - 2];
    W[i] = (rotr(b, 17) ^ rotr(b, 19) ^ b >>> 10) + W[i - 7] + (rotr(a, 7) ^ rotr(a, 18) ^ a >>> 3) + W[i - 16];
  }
  let [a, b, c, d, e, f, g, k] = h;
  for (let i = 0; i < 64; i++) {
    const t1 = (k + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (e & f ^ ~e & g) + K[i] + W[i]) | 0;
    const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + (a & b ^ a & c ^ b & c)) | 0;
    k = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
}

const encode = new TextEncoder();

function digest(text) {
  const message = encode.encode(text);
  const length = (message.length + 9 + 63) >> 6 << 6;
  const bytes = new Uint8Array(length);
  bytes.set(message);
  bytes[message.length] = 0x80;
  new DataView(bytes.buffer).setUint32(length - 4, message.length * 8);
  const h = Uint32Array.from(H);
  for (let at = 0; at < length; at += 64) block(h, bytes, at);
  return h;
}

onmessage = ({ data: challenge }) => {
  const [expiry, difficulty, salt, want] = challenge.split(".");
  const target = Uint32Array.from({ length: 8 }, (_, i) => parseInt(want.slice(8 * i, 8 * i + 8), 16));
  const head = `${expiry}.${difficulty}.${salt}.`;
  for (let n = 0; n < Number(difficulty); n++) {
    const h = digest(head + n);
    if (h[0] === target[0] && h[1] === target[1] && h.every((v, i) => v === target[i])) return postMessage(challenge + "." + n);
  }
  postMessage("");
};
