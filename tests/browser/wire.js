// wire.js - the little of protobuf that the messages between two ends need. Fields are [number, value] pairs: bytes or a number
// going out; a Map from number to bytes or BigInt coming in. Throws on what is no message.

const VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5;

export const utf8 = (text) => new TextEncoder().encode(text);
export const text = (bytes) => new TextDecoder("utf-8", {fatal: true}).decode(bytes);
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const fromHex = (digits) => Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
export const same = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

export function join(...parts) {
    const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
        out.set(part, at);
        at += part.length;
    }
    return out;
}

function varint(number) {
    const out = [];
    let left = BigInt(number);
    for (; left > 127n; left >>= 7n)
        out.push(Number(left & 127n) | 128);
    out.push(Number(left));
    return Uint8Array.from(out);
}

export function encode(...fields) {
    return join(...fields.flatMap(([number, value]) => value instanceof Uint8Array
        ? [varint(number << 3 | BYTES), varint(value.length), value]
        : [varint(number << 3 | VARINT), varint(value)]));
}

class Reader {
    constructor(bytes) {
        this.bytes = bytes;
        this.at = 0;
    }

    get more() {
        return this.at < this.bytes.length;
    }

    take(count) {
        if (count > this.bytes.length - this.at)
            throw new Error("a message is cut off");
        this.at += count;
        return this.bytes.subarray(this.at - count, this.at);
    }

    varint() {
        let value = 0n;
        for (let shift = 0n; shift < 70n; shift += 7n) {
            const [byte] = this.take(1);
            value |= BigInt(byte & 127) << shift;
            if (byte < 128)
                return value;
        }
        throw new Error("a number is too long");
    }

    value(type) {
        switch (type) {
        case VARINT: return this.varint();
        case FIXED64: return this.take(8);
        case BYTES: return this.take(Number(this.varint()));
        case FIXED32: return this.take(4);
        default: throw new Error(`wire type ${type}`);
        }
    }
}

export function decode(bytes) {
    const reader = new Reader(bytes), fields = new Map();
    while (reader.more) {
        const tag = Number(reader.varint());
        fields.set(tag >>> 3, reader.value(tag & 7));
    }
    return fields;
}

const none = new Uint8Array(0);

// ---- PeerSignal ----

export const writeSignal = {
    description: ({sdp, generation, key, signature}) =>
        encode([1, encode([1, utf8(sdp)], [2, generation], [3, key], [4, signature])]),
    candidate: (line) => encode([2, utf8(line)]),
    closed: (reason) => encode([3, utf8(reason)]),
};

export function readSignal(bytes) {
    const fields = decode(bytes);
    if (fields.has(1)) {
        const inner = decode(fields.get(1));
        return {
            kind: "description",
            sdp: inner.get(1) ?? none,
            generation: Number(inner.get(2) ?? 0n),
            key: inner.get(3) ?? none,
            signature: inner.get(4) ?? none,
        };
    }
    if (fields.has(2))
        return {kind: "candidate", line: text(fields.get(2))};
    return {kind: "closed", reason: text(fields.get(3) ?? none)};
}

// ---- PeerFrame ----

const FRAMES = {commit: 1, nonce: 2, reveal: 3, text: 4, received: 5, stop: 6};

export const writeFrame = {
    bytes: (kind, value) => encode([FRAMES[kind], value]),
    text: (number, body) => encode([FRAMES.text, encode([1, number], [2, utf8(body)])]),
    received: (number) => encode([FRAMES.received, number]),
    stop: (reason) => encode([FRAMES.stop, utf8(reason)]),
};

export function readFrame(bytes) {
    const fields = decode(bytes);
    const [kind] = Object.entries(FRAMES).find(([, number]) => fields.has(number)) ?? ["unknown"];
    const value = fields.get(FRAMES[kind]);
    if (kind !== "text")
        return {kind, value};
    const inner = decode(value);
    return {kind, number: inner.get(1) ?? 0n, body: text(inner.get(2) ?? none)};
}
