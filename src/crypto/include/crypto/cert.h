/*
 * cert.h - the server's certificate and what identifies one: the SHA-256 of its DER form, as "SHA256:ab:cd:..." in lower case.
 */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include "base/err.h"
#include "base/slice.h"

enum { FINGERPRINT_SIZE = 7 + 32 * 3 }; /* with the NUL */

/*
 * Makes a self-signed P-256 certificate for `host` (as DNS or IP name, with localhost, 127.0.0.1 and ::1 besides), good for ten
 * years, at cert_path, and its key, mode 0600, at key_path: written to temporary names, fsynced, renamed, key first. Files that
 * exist are replaced. ERR_SYSTEM; *why says what failed (static or thread-local text).
 */
enum err cert_make(const char *cert_path, const char *key_path, const char *host, const char **why);

/* Fingerprint of the first certificate in a PEM file. ERR_SYSTEM (cannot read), ERR_INVALID (no certificate in it). */
enum err cert_fingerprint_file(const char *path, char out[FINGERPRINT_SIZE]);

/* Of a certificate in DER form. */
void cert_fingerprint_der(struct slice der, char out[FINGERPRINT_SIZE]);

#endif
