#include "crypto/cert.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>

void cert_fingerprint_der(struct slice der, char out[FINGERPRINT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    EVP_Digest(der.data, der.len, digest, NULL, EVP_sha256(), NULL);
    char *next = stpcpy(out, "SHA256:");
    for (size_t i = 0; i < 32; i++) {
        *next++ = digits[digest[i] >> 4];
        *next++ = digits[digest[i] & 15];
        *next++ = i < 31 ? ':' : '\0';
    }
}

static int refuse_passphrase(char *out, int size, int writing, void *data)
{
    return -1; /* without this OpenSSL would ask at the terminal */
}

static enum err read_certificate(const char *path, X509 **cert)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return ERR_SYSTEM;
    X509 *found = PEM_read_X509(file, NULL, refuse_passphrase, NULL);
    enum err err = found != NULL ? OK : ferror(file) ? ERR_SYSTEM : ERR_INVALID;
    fclose(file);
    ERR_clear_error();
    if (err == OK)
        *cert = found;
    return err;
}

enum err cert_fingerprint_file(const char *path, char out[FINGERPRINT_SIZE])
{
    X509 *cert;
    enum err err = read_certificate(path, &cert);
    if (err != OK)
        return err;
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len > 0)
        cert_fingerprint_der(slice_of(der, (size_t)len), out);
    OPENSSL_free(der);
    X509_free(cert);
    return len > 0 ? OK : ERR_INVALID;
}
