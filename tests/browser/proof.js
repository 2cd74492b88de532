// proof.js - who vouches for the other end: signatures of descriptions and the safety code, as docs/PRIVATE.md has them.
import {join, same, utf8} from "./wire.js";

const ZERO = Uint8Array.of(0);

export async function sha256(bytes) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export const randomBytes = (count) => crypto.getRandomValues(new Uint8Array(count));

export class Identity {
    static async make() {
        const identity = new Identity();
        identity.pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
        identity.key = new Uint8Array(await crypto.subtle.exportKey("raw", identity.pair.publicKey));
        return identity;
    }

    async sign(bytes) {
        return new Uint8Array(await crypto.subtle.sign("Ed25519", this.pair.privateKey, bytes));
    }
}

export async function verify(key, signature, bytes) {
    if (key.length !== 32 || signature.length !== 64)
        return false;
    const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return crypto.subtle.verify("Ed25519", imported, signature, bytes);
}

const sized = (name) => join(Uint8Array.of(utf8(name).length), utf8(name));

// What a description's signature covers. `sdp` is bytes, exactly as they travel.
export async function signedText({channel, nonce}, generation, from, to, sdp) {
    const number = new Uint8Array(4);
    new DataView(number.buffer).setUint32(0, generation);
    return join(utf8("earshot description 1"), ZERO, channel, nonce, number, sized(from), sized(to), await sha256(sdp));
}

export function fingerprint(sdp) {
    const found = sdp.match(/^a=fingerprint:sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\r?$/im);
    if (!found)
        throw new Error("a description without SHA-256 fingerprint");
    return Uint8Array.from(found[1].split(":"), (pair) => parseInt(pair, 16));
}

// An end is {key, print, nonce}; the asker's nonce is what it reveals.
export async function safetyCode({channel, nonce}, asker, answerer) {
    const sum = await sha256(join(utf8("earshot safety 1"), ZERO, channel, nonce, asker.key, answerer.key,
        asker.print, answerer.print, asker.nonce, answerer.nonce));
    const number = sum.slice(0, 5).reduce((value, byte) => value * 256 + byte, 0) % 1e12;
    return String(number).padStart(12, "0").match(/..../g).join(" ");
}

export const kept = async (revealed, commit) => same(await sha256(revealed), commit);
