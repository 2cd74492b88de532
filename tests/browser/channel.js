// channel.js - one private channel, seen from a browser: description and candidates by signals, then frames on the data channel.
//
// `introduced` is what the server has settled: {user, device, channel, nonce, relays, asker}. `tell` takes what the driver should
// know, `signal` what the server should carry. Whatever breaks the protocol ends the channel with the event "failed".
import {fingerprint, kept, randomBytes, safetyCode, sha256, signedText, verify} from "./proof.js";
import {readFrame, readSignal, same, text, utf8, writeFrame, writeSignal} from "./wire.js";

export class Channel {
    constructor(introduced, self, identity, {tell, signal}) {
        Object.assign(this, introduced, {self, identity, tell, carry: signal});
        this.ours = {key: identity.key, print: null, nonce: randomBytes(32)};
        this.theirs = {key: null, print: null, nonce: null};
        this.ourGeneration = this.theirGeneration = 0;
        this.stage = "connecting";
        this.written = this.shown = 0n;
        this.turn = Promise.resolve();
        const iceServers = this.relays.map(({url, user, password}) => ({urls: url, username: user, credential: password}));
        this.peer = new RTCPeerConnection({iceServers});
        this.peer.onicecandidate = ({candidate}) =>
            this.inTurn(() => this.signal(writeSignal.candidate(candidate?.candidate ?? "")));
        this.peer.ondatachannel = ({channel}) => this.adopt(channel);
    }

    // Signatures and digests take their time; what happens in between waits, so that nothing overtakes anything.
    inTurn(what) {
        this.turn = this.turn.then(() => this.stage === "over" ? null : what()).catch((problem) => this.fail(problem));
    }

    fail(problem) {
        if (this.stage === "open")
            this.data.send(writeFrame.stop("broken"));
        else
            this.signal(writeSignal.closed("the page gave up"));
        this.end("failed", {text: problem.message});
    }

    end(event, more) {
        if (this.stage === "over")
            return;
        this.stage = "over";
        this.peer.close();
        this.tell({event, ...more});
    }

    signal(payload) {
        if (this.stage !== "over")
            this.carry(this, payload);
    }

    // ---- descriptions ----

    begin() {
        if (!this.asker)
            return;
        this.adopt(this.peer.createDataChannel("earshot"));
        this.inTurn(() => this.describe());
    }

    // Only for the end that asked.
    restart() {
        this.inTurn(async () => {
            this.peer.restartIce();
            await this.describe();
        });
    }

    async describe() {
        await this.peer.setLocalDescription();
        const {sdp} = this.peer.localDescription, generation = ++this.ourGeneration;
        this.ours.print = fingerprint(sdp);
        const signature = await this.identity.sign(await signedText(this, generation, this.self, this.user, utf8(sdp)));
        this.signal(writeSignal.description({sdp, generation, key: this.identity.key, signature}));
    }

    async described({sdp, generation, key, signature}) {
        if (!await verify(key, signature, await signedText(this, generation, this.user, this.self, sdp)))
            throw new Error("the signature is not right");
        if (generation <= this.theirGeneration)
            return;
        const print = fingerprint(text(sdp));
        if (this.theirs.key && !(same(this.theirs.key, key) && same(this.theirs.print, print)))
            throw new Error("a restart with another key or certificate");
        Object.assign(this.theirs, {key, print});
        this.theirGeneration = generation;
        this.tell({event: "described", generation, fragment: text(sdp).match(/^a=ice-ufrag:(.*?)\r?$/m)[1]});
        await this.peer.setRemoteDescription({type: this.asker ? "answer" : "offer", sdp: text(sdp)});
        if (!this.asker)
            await this.describe();
    }

    signalled(payload) {
        this.inTurn(async () => {
            const said = readSignal(payload);
            if (said.kind === "description")
                await this.described(said);
            else if (said.kind === "candidate")
                await this.peer.addIceCandidate({candidate: said.line, sdpMLineIndex: 0});
            else if (this.stage !== "open") // an open channel tells itself; the server must not be able to end it
                this.end("ended", {reason: said.reason});
        });
    }

    // ---- the data channel ----

    adopt(data) {
        this.data = data;
        data.binaryType = "arraybuffer";
        data.onopen = () => this.inTurn(() => this.prove());
        data.onmessage = ({data}) => this.inTurn(() => this.frame(readFrame(new Uint8Array(data))));
        data.onclose = () => this.inTurn(() => this.end("closed", {reason: ""}));
        if (data.label !== "earshot" || !data.ordered || data.maxRetransmits !== null || data.maxPacketLifeTime !== null)
            this.fail(new Error(`not the data channel that was agreed on, but ${data.label}`));
    }

    async prove() {
        this.stage = "proving";
        const transport = this.peer.sctp.transport;
        const [certificate] = transport.getRemoteCertificates(), {iceTransport} = transport;
        if (!same(await sha256(new Uint8Array(certificate)), this.theirs.print))
            throw new Error("another certificate than described");
        iceTransport.onselectedcandidatepairchange = () =>
            this.tell({event: "path", fragment: iceTransport.getSelectedCandidatePair().remote.usernameFragment});
        if (this.asker)
            this.data.send(writeFrame.bytes("commit", await sha256(this.ours.nonce)));
    }

    async open() {
        const [asker, answerer] = this.asker ? [this.ours, this.theirs] : [this.theirs, this.ours];
        this.stage = "open";
        this.tell({event: "open", safety: await safetyCode(this, asker, answerer)});
    }

    async frame(frame) {
        const allowed = {
            proving: this.asker ? ["nonce", "stop"] : ["commit", "reveal", "stop"],
            open: ["text", "received", "stop"],
        };
        if (frame.kind === "unknown")
            return; // of a later version
        if (!allowed[this.stage]?.includes(frame.kind))
            throw new Error(`${frame.kind} while ${this.stage}`);
        await this[`on_${frame.kind}`](frame);
    }

    on_commit({value}) {
        if (this.commit || value.length !== 32)
            throw new Error("commit twice, or of a wrong size");
        this.commit = value.slice();
        this.data.send(writeFrame.bytes("nonce", this.ours.nonce));
    }

    async on_nonce({value}) {
        if (value.length !== 32)
            throw new Error("a nonce of a wrong size");
        this.theirs.nonce = value.slice();
        this.data.send(writeFrame.bytes("reveal", this.ours.nonce));
        await this.open();
    }

    async on_reveal({value}) {
        if (!this.commit || value.length !== 32 || !await kept(value, this.commit))
            throw new Error("what is revealed is not what was committed to");
        this.theirs.nonce = value.slice();
        await this.open();
    }

    on_text({number, body}) {
        if (number !== this.shown + 1n)
            throw new Error(`text ${number} after ${this.shown}`);
        this.shown = number;
        this.tell({event: "text", body});
        this.data.send(writeFrame.received(number));
    }

    on_received({value}) {
        if (value > this.written)
            throw new Error("acknowledges what was never sent");
        this.tell({event: "received", number: Number(value)});
    }

    on_stop({value}) {
        this.end("closed", {reason: text(value)});
    }

    // ---- wishes ----

    say(body) {
        this.inTurn(() => this.data.send(writeFrame.text(++this.written, body)));
    }

    // The other end closes then.
    stop(reason) {
        this.inTurn(() => this.data.send(writeFrame.stop(reason)));
    }
}
