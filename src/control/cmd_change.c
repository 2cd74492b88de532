/* cmd_change.c - the commands that change an account: each is one verb of the chat. */
#include "base/log.h"
#include "command.h"

static void changed(struct administration *administration)
{
    struct call *call = (struct call *)((char *)administration - offsetof(struct call, administration));
    if (administration->err == ERR_NOT_BLOCKED) {
        call_refuse_text(call, "not_blocked", "No wrong passwords are held against that name.");
        return;
    }
    if (administration->err != OK) {
        call_refuse(call, administration->err);
        return;
    }
    (void)buf_printf(&call->out, "{\"user\":\"%.*s\",\"sessions\":%u}\n", (int)call->name.len, call->name.text,
                     administration->sessions);
    call_done(call);
}

void cmd_change(struct call *call)
{
    call->administration.name = name_slice(&call->name);
    call->administration.password = call->password;
    call->administration.done = changed;
    log_event(LOG_INFO, "administration", log_str("command", call->command->name), log_slice("user", name_slice(&call->name)));
    call->command->change(call->control->parts.shard, &call->administration);
}
