/* cmd_status.c - how the server does, in figures. */
#include "command.h"
#include <inttypes.h>

void cmd_status(struct call *call)
{
    const struct control_parts *parts = &call->control->parts;
    const struct world *world = loop_world(parts->loop);
    struct chat_counters chat;
    struct control_count count = {0};
    chat_count(parts->chat, &chat);
    parts->count(parts->ctx, &count);
    (void)buf_printf(&call->out, "{\"version\":\"" EARSHOT_VERSION "\",\"uptime\":%" PRId64 ",\"threads\":%u,\"threads_used\":%u",
                     (world_mono_ms(world) - call->control->started_ms) / 1000, parts->lane_count, count.lanes_used);
    (void)buf_printf(&call->out, ",\"accounts\":%" PRIu64 ",\"users_online\":%" PRIu64 ",\"sessions\":%" PRIu64, chat.accounts,
                     chat.users_online, chat.sessions);
    (void)buf_printf(&call->out, ",\"messages_accepted\":%" PRIu64 ",\"messages_delivered\":%" PRIu64, chat.accepted,
                     chat.delivered);
    (void)buf_printf(&call->out, ",\"passwords_hashed\":%" PRIu64, chat.hashed);
    (void)buf_printf(&call->out, ",\"connections\":%" PRIu64 ",\"connections_refused\":%" PRIu64 "}\n", count.connections,
                     count.refused);
    call_done(call);
}
