/* notify.h - telling systemd how the service does: sd_notify(3)'s protocol, one datagram to $NOTIFY_SOCKET. */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include "base/err.h"

/* `state` as "READY=1". OK also when nobody asked to be told; ERR_SYSTEM, ERR_INVALID (the variable names no socket). */
enum err notify_systemd(const char *state);

#endif
