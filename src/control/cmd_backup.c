/*
 * cmd_backup.c - a copy of the database, handed over as an open file.
 *
 * The store writes it into the data directory, which is the one place where the server may write. Its name is removed at once,
 * and the descriptor goes to the administrator's program, which stores it where it was told to: with that person's rights, not
 * the server's, and nothing is left behind whatever happens to either.
 */
#include "base/log.h"
#include "command.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static void copied(struct store_op *op)
{
    struct call *call = (struct call *)((char *)op - offsetof(struct call, backup.op));
    if (op->err == OK) {
        call->file = open(call->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        unlink(call->path);
    }
    if (op->err == OK && call->file < 0)
        op->err = ERR_NOT_STORED;
    if (op->err == ERR_UNAVAILABLE) {
        call_refuse_text(call, "unavailable", "Another backup is being made, or this store cannot make any.");
    } else if (op->err != OK) {
        call_refuse(call, op->err);
    } else {
        log_event(LOG_INFO, "backup_made", log_int("mark", (int64_t)call->backup.mark),
                  log_int("bytes", (int64_t)call->backup.bytes));
        (void)buf_printf(&call->out, "{\"mark\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", call->backup.mark, call->backup.bytes);
        call_done(call);
    }
}

/* Not counted among what the shard waits for: a stop gives the copy up, and what it leaves behind goes with control_free(). */
void cmd_backup(struct call *call)
{
    struct control *control = call->control;
    int len = snprintf(call->path, sizeof call->path, "%s/backup-%d-%" PRIu64 ".partial", control->parts.data, (int)getpid(),
                       ++control->copies);
    if (len < 0 || (size_t)len >= sizeof call->path) {
        call_refuse(call, ERR_TOO_LONG);
        return;
    }
    call->backup.op = (struct store_op){.verb = STORE_BACKUP, .done = copied, .home = loop_strand(control->parts.loop)};
    call->backup.path = call->path;
    store_submit(control->parts.store, &call->backup.op);
}
