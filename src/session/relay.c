/* relay.c - see relay.h. */
#include "relay.h"

void relay_grant(const struct session *session, struct relay_grants *grants)
{
    const struct session_settings *settings = &session->hub->settings;
    int64_t expires = world_wall_ms(session->hub->world) / 1000 + RELAY_SECONDS;
    grants->count = 0;
    struct slice secret = slice_of(settings->relay_secret, settings->relay_secret_len);
    if (settings->relay_count == 0 ||
        relay_password(secret, participant_name(session->participant), expires, grants->user, grants->password) != OK)
        return;
    for (size_t i = 0; i < settings->relay_count; i++) {
        Earshot__Relay *relay = &grants->relays[i];
        *relay = (Earshot__Relay)EARSHOT__RELAY__INIT;
        relay->url = bytes_of_slice(slice_str(settings->relays[i]));
        relay->user = bytes_of_slice(slice_str(grants->user));
        relay->password = bytes_of_slice(slice_str(grants->password));
        grants->pointers[i] = relay;
    }
    grants->count = settings->relay_count;
}
