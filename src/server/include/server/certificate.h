/*
 * certificate.h - the certificate that the server shows: the configured one, or one of its own making in the data directory.
 */
#ifndef SERVER_CERTIFICATE_H
#define SERVER_CERTIFICATE_H

#include "net/tls.h"
#include "server/config.h"

/* Makes the data directory's cert.pem and key.pem if they are what is wanted and missing, loads, logs the fingerprint.
 * ERR_SYSTEM, ERR_INVALID, ERR_MEMORY, with a sentence in `why`. */
enum err certificate_load(const struct config *config, struct tls_context **out, struct buf *why);

#endif
