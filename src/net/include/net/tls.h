/*
 * tls.h - TLS 1.3 (RFC 8446) contexts. The session itself is a filter inside a connection (conn.h).
 *
 * Server: P-256 certificate, no tickets, no session cache, buffers released when idle. A context is shared by all loops and is
 * reference-counted, so a reload swaps it for new connections while old ones keep theirs.
 *
 * Client: the handshake accepts any certificate; the owner decides in conn_ops.open with conn_peer_*, before it writes anything.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/err.h"
#include "base/slice.h"

struct tls_context;

/* Certificate chain and key from PEM files. ERR_SYSTEM (cannot read), ERR_INVALID (not a certificate or key, or they do not
 * belong together, or others than the server and root can read or replace the key); *why is a sentence for the log (thread-local,
 * until the next call). */
enum err tls_server_new(const char *cert_path, const char *key_path, struct tls_context **out, const char **why);

/* ca_path: PEM certificates to trust besides the system's, or NULL. Same errors. */
enum err tls_client_new(const char *ca_path, struct tls_context **out, const char **why);

struct tls_context *tls_ref(struct tls_context *context);
void tls_unref(struct tls_context **context); /* takes NULL */

#endif
