/*
 * fuzz_session.c - whatever a client sends, its session answers with whole frames and ends without a trace.
 *
 * "alice" listens on one shard, the bytes come on the other, from somebody who has logged in as "hello" or from a stranger. The
 * first byte of the input says which, and into how large pieces the rest is cut. What people say to each other in well-formed
 * frames is fuzz_conversation.c's.
 */
#include "callers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOGGED_IN = 1 };

static void feed(struct caller *caller, struct slice bytes, size_t piece)
{
    while (bytes.len > 0 && !caller->hung_up) {
        size_t len = piece > 0 && piece < bytes.len ? piece : bytes.len;
        session_input(caller->session, slice_of(bytes.data, len));
        if (bytes.len % 2)
            settle();
        bytes = slice_of(bytes.data + len, bytes.len - len);
    }
    settle();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct caller alice = {0}, caller = {0};
    char user[16];
    if (size == 0)
        return 0;
    begin_input();
    call_in(&alice, 0);
    log_in(&alice, "alice", false);
    call_in(&caller, 1);
    snprintf(user, sizeof user, "hello%u", served);
    if (data[0] & LOGGED_IN)
        log_in(&caller, user, true);
    feed(&caller, slice_of(data + 1, size - 1), data[0] >> 1);
    read_out(&caller);
    read_out(&alice);
    stage_pass(stage, 1000);
    hang_up(&caller);
    hang_up(&alice);
    end_input();
    return 0;
}
