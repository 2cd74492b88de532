// page.js - the page: passes on what its driver says, and tells it what happens. The driver is the page's way to the server.
//
// From the driver, an object each: {do: "new", user}, {do: "ask", user}, {do: "answer", accept}, {do: "say", body},
// {do: "restart"}, {do: "stop", reason}, or what the server said: {do: "private_request" | "private_settled" | "signal", ...}.
// To the driver: {event, ...}, or {send: request, fields} for the server. Bytes travel as {hex}.
import {Channel} from "./channel.js";
import {Identity, randomBytes} from "./proof.js";
import {fromHex, hex} from "./wire.js";

let posted = Promise.resolve();

const pack = (name, value) => value instanceof Uint8Array ? {hex: hex(value)} : value;
const unpack = (name, value) => typeof value?.hex === "string" ? fromHex(value.hex) : value;

// One after the other: the order of events means something.
function tell(event) {
    const body = JSON.stringify(event, pack);
    posted = posted.then(() => fetch("/events", {method: "POST", body}));
}

const server = (send, fields) => tell({send, fields});
const signal = ({user, device, channel}, payload) => server("signal", {user, device, channel, payload});

let self, identity, channel, asked;

function introduce({with: user, device, channel: id, nonce, relays}, asker) {
    channel = new Channel({user, device, channel: id, nonce, relays, asker}, self, identity, {tell, signal});
    channel.begin();
}

const commands = {
    async new({user}) {
        channel?.end("forgotten", {});
        channel = asked = null;
        self = user;
        identity = await Identity.make();
        tell({event: "ready", key: hex(identity.key)});
    },
    ask({user}) {
        asked = {user, channel: randomBytes(16), asker: true};
        server("startprivate", {user, channel: asked.channel});
    },
    private_request({from: user, channel, device}) {
        asked = {user, channel, device, asker: false};
        tell({event: "asked", user});
    },
    answer({accept}) {
        const {user, channel, device} = asked;
        server("answerprivate", {user, channel, device, accept, nonce: accept ? randomBytes(16) : new Uint8Array(0)});
    },
    private_settled(settled) {
        if (settled.outcome === "accepted" && hex(settled.channel) === hex(asked.channel))
            introduce(settled, asked.asker);
        else
            tell({event: settled.outcome});
    },
    signal({from, device, channel: id, payload}) {
        if (channel?.user === from && channel.device === device && hex(channel.channel) === hex(id))
            channel.signalled(payload);
    },
    say: ({body}) => channel.say(body),
    restart: () => channel.restart(),
    stop: ({reason}) => channel.stop(reason),
};

async function run() {
    for (;;) {
        const list = JSON.parse(await (await fetch("/commands")).text(), unpack);
        for (const command of list) {
            try {
                await commands[command.do](command);
            } catch (problem) {
                tell({event: "trouble", text: String(problem)});
            }
        }
    }
}

addEventListener("unhandledrejection", ({reason}) => tell({event: "trouble", text: String(reason)}));
tell({event: "loaded"});
run();
