#include "library.h"

const struct cli_library cli_library = {
    .open = earshot_open,
    .close = earshot_close,
    .fd = earshot_fd,
    .progress = earshot_progress,
    .trust_server = earshot_trust_server,
    .set_user = earshot_set_user,
    .set_password = earshot_set_password,
    .message = earshot_message,
    .broadcast = earshot_broadcast,
    .whoelse = earshot_whoelse,
    .whoelsesince = earshot_whoelsesince,
    .block = earshot_block,
    .unblock = earshot_unblock,
    .startprivate = earshot_startprivate,
    .stopprivate = earshot_stopprivate,
    .private_text = earshot_private,
    .answer_private = earshot_answer_private,
    .logout = earshot_logout,
    .unanswered = earshot_unanswered,
};
