#include "crypto/cert.h"
#include "file.h"
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>

enum { SERIAL_BITS = 127, DAYS_BEFORE = 1, DAYS_AFTER = 3650, COMMON_NAME_MAX = 64, DNS_NAME_MAX = 253 };

static _Thread_local char reason[512];

static bool is_address(const char *host)
{
    struct in6_addr address; /* has room for either kind */
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static bool is_dns_name(const char *host)
{
    size_t len = strlen(host);
    return len >= 1 && len <= DNS_NAME_MAX &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") == len;
}

/* Takes `value`, also on failure and also when it is NULL. */
static bool push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = value != NULL ? GENERAL_NAME_new() : NULL;
    if (name == NULL) {
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0)
        return true;
    GENERAL_NAME_free(name);
    return false;
}

static bool push_host(GENERAL_NAMES *names, const char *host)
{
    if (is_address(host))
        return push_name(names, GEN_IPADD, a2i_IPADDRESS(host));
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (text != NULL && !ASN1_STRING_set(text, host, -1)) {
        ASN1_STRING_free(text);
        text = NULL;
    }
    return push_name(names, GEN_DNS, text);
}

static bool add_host_names(X509 *cert, const char *host)
{
    static const char *const local[] = {"localhost", "127.0.0.1", "::1"};
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    bool good = names != NULL && push_host(names, host);
    for (size_t i = 0; good && i < sizeof local / sizeof local[0]; i++) {
        if (strcmp(host, local[i]) != 0)
            good = push_host(names, local[i]);
    }
    good = good && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    sk_GENERAL_NAME_pop_free(names, GENERAL_NAME_free);
    return good;
}

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool good = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return good;
}

/* A CA of its own, so that it can be given to a client as the certificate to trust. */
static bool add_extensions(X509 *cert, const char *host)
{
    return add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
           add_extension(cert, NID_ext_key_usage, "serverAuth") && add_extension(cert, NID_subject_key_identifier, "hash") &&
           add_host_names(cert, host);
}

static bool set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    bool good = number != NULL && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return good;
}

static bool set_names(X509 *cert, const char *host)
{
    const char *common = strlen(host) <= COMMON_NAME_MAX ? host : "earshot";
    X509_NAME *name = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common, -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1;
}

static bool set_dates(X509 *cert)
{
    return X509_time_adj_ex(X509_getm_notBefore(cert), -DAYS_BEFORE, 0, NULL) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(cert), DAYS_AFTER, 0, NULL) != NULL;
}

static X509 *make_certificate(EVP_PKEY *key, const char *host)
{
    X509 *cert = X509_new();
    if (cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) && set_dates(cert) &&
        set_names(cert, host) && X509_set_pubkey(cert, key) == 1 && add_extensions(cert, host) &&
        X509_sign(cert, key, EVP_sha256()) > 0)
        return cert;
    X509_free(cert);
    return NULL;
}

static enum err failed(const char *what, const char *path, const char **why)
{
    snprintf(reason, sizeof reason, "%s %s: %s", what, path, strerror(errno));
    *why = reason;
    return ERR_SYSTEM;
}

static struct slice content_of(BIO *pem)
{
    char *data = NULL;
    long len = BIO_get_mem_data(pem, &data);
    return slice_of(data, len > 0 ? (size_t)len : 0);
}

/* Both are complete on disk before either gets its name: an old key beside a new certificate is then all but impossible. */
static enum err write_both(const char *cert_path, struct slice cert, const char *key_path, struct slice key, const char **why)
{
    if (file_prepare(key_path, key, 0600) != OK)
        return failed("cannot write", key_path, why);
    enum err err = OK;
    if (file_prepare(cert_path, cert, 0644) != OK)
        err = failed("cannot write", cert_path, why);
    else if (file_publish(key_path) != OK)
        err = failed("cannot rename to", key_path, why);
    else if (file_publish(cert_path) != OK)
        err = failed("cannot rename to", cert_path, why);
    if (err != OK) {
        file_discard(key_path);
        file_discard(cert_path);
    }
    return err;
}

enum err cert_make(const char *cert_path, const char *key_path, const char *host, const char **why)
{
    if (!is_address(host) && !is_dns_name(host)) {
        *why = "the host is neither a DNS name nor an IP address";
        return ERR_SYSTEM;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = key != NULL ? make_certificate(key, host) : NULL;
    BIO *cert_pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_secmem());
    enum err err = ERR_SYSTEM;
    if (cert == NULL || cert_pem == NULL || key_pem == NULL || !PEM_write_bio_X509(cert_pem, cert) ||
        !PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL))
        *why = "the certificate could not be made";
    else
        err = write_both(cert_path, content_of(cert_pem), key_path, content_of(key_pem), why);
    BIO_free(key_pem);
    BIO_free(cert_pem);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return err;
}
