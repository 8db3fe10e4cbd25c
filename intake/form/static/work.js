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

const W = new Int32Array(64);
const rotr = (x, n) => (x >>> n) | (x << (32 - n));

// block works one block of 64 bytes into h.
function block(h, bytes, at) {
  for (let i = 0; i < 16; i++, at += 4) W[i] = bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
  for (let i = 16; i < 64; i++) {
    const a = W[i - 15], b = W[i - 2];
    W[i] = (rotr(b, 17) ^ rotr(b, 19) ^ b >>> 10) + W[i - 7] + (rotr(a, 7) ^ rotr(a, 18) ^ a >>> 3) + W[i - 16];
  }
  let a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];
  for (let i = 0; i < 64; i++) {
    const t1 = (k + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (e & f ^ ~e & g) + K[i] + W[i]) | 0;
    const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + (a & b ^ a & c ^ b & c)) | 0;
    k = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
  }
  h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += k;
}

// hasher returns the digest of head followed by a number, again and again in the
// same memory.
function hasher(head) {
  const bytes = new Uint8Array(((head.length + 16 + 9 + 63) >> 6) << 6);
  bytes.set(new TextEncoder().encode(head));
  const view = new DataView(bytes.buffer);
  const h = new Int32Array(8);
  return (n) => {
    const digits = String(n);
    let end = head.length;
    for (let i = 0; i < digits.length; i++) bytes[end++] = digits.charCodeAt(i);
    bytes[end] = 0x80;
    const length = ((end + 9 + 63) >> 6) << 6;
    bytes.fill(0, end + 1, length);
    view.setUint32(length - 4, end * 8);
    h.set(H);
    for (let at = 0; at < length; at += 64) block(h, bytes, at);
    return h;
  };
}

onmessage = ({ data: challenge }) => {
  const [expiry, difficulty, salt, want] = challenge.split(".");
  const target = Int32Array.from({ length: 8 }, (_, i) => parseInt(want.slice(8 * i, 8 * i + 8), 16) | 0);
  const digest = hasher(`${expiry}.${difficulty}.${salt}.`);
  for (let n = 0; n < Number(difficulty); n++) {
    const h = digest(n);
    if (h[0] === target[0] && h[1] === target[1] && h.every((v, i) => v === target[i])) return postMessage(challenge + "." + n);
  }
  postMessage("");
};
