/* errors.h - the protocol's and our own errors as those of earshot/client.h. Pure. */
#ifndef CLIENT_ERRORS_H
#define CLIENT_ERRORS_H

#include "base/err.h"
#include "earshot/client.h"
#include <stdint.h>

/* Of Error.code in the protocol; a number that is not known here is EARSHOT_UNAVAILABLE. */
enum earshot_error error_from_wire(uint32_t code);

/* What a local check refused. */
enum earshot_error error_from_err(enum err err);

const char *error_name(enum earshot_error error);
const char *reason_name(enum earshot_reason reason);

#endif
