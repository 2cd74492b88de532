/* test_cert.c - the self-made certificate: whom it is for, that it can be trusted, and what happens when it cannot be written. */
#include "crypto/cert.h"
#include <dirent.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64], cert_path[96], key_path[96];

static void remove_all_in_folder(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.')
            remove(path);
    }
    if (dir != NULL)
        closedir(dir);
}

static int setup(void **state)
{
    snprintf(folder, sizeof folder, "/tmp/earshot-test-cert-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(cert_path, sizeof cert_path, "%s/cert.pem", folder);
    snprintf(key_path, sizeof key_path, "%s/key.pem", folder);
    return 0;
}

static int teardown(void **state)
{
    remove_all_in_folder();
    return rmdir(folder);
}

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static X509 *make_and_load(const char *host)
{
    const char *why = "";
    assert_int_equal(cert_make(cert_path, key_path, host, &why), OK);
    FILE *file = fopen(cert_path, "r");
    assert_non_null(file);
    X509 *cert = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(cert);
    return cert;
}

static EVP_PKEY *load_key(void)
{
    FILE *file = fopen(key_path, "r");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    return key;
}

static void it_names_its_host_and_this_machine(void **state)
{
    X509 *cert = make_and_load("chat.example.org");
    assert_int_equal(X509_check_host(cert, "chat.example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(cert, "example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(cert, "127.0.0.2", 0), 0);
    X509_free(cert);
}

static void a_host_may_be_an_address(void **state)
{
    static const char *const hosts[] = {"192.0.2.7", "2001:db8::7", "127.0.0.1", "0.0.0.0"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        X509 *cert = make_and_load(hosts[i]);
        assert_int_equal(X509_check_ip_asc(cert, hosts[i], 0), 1);
        assert_int_equal(X509_check_host(cert, hosts[i], 0, 0, NULL), 0);
        X509_free(cert);
    }
}

static void long_hosts_are_named_too(void **state)
{
    char host[254];
    for (size_t i = 0; i < sizeof host; i++)
        host[i] = i % 50 == 49 ? '.' : 'a';
    host[253] = 0;
    X509 *cert = make_and_load(host);
    assert_int_equal(X509_check_host(cert, host, 0, 0, NULL), 1);
    X509_free(cert);
}

static void hosts_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"", "a b", "a,DNS:evil.example", "caf\xc3\xa9", "[::1]", "host:4000", "a\nb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *why = NULL;
        assert_int_equal(cert_make(cert_path, key_path, bad[i], &why), ERR_SYSTEM);
        assert_non_null(why);
        assert_int_equal(files_in_folder(), 0);
    }
}

static void its_key_is_p256_private_and_its_own(void **state)
{
    struct stat info;
    char group[32];
    mode_t before = umask(0);
    X509 *cert = make_and_load("localhost");
    umask(before);
    EVP_PKEY *key = load_key();
    assert_int_equal(X509_check_private_key(cert, key), 1);
    assert_int_equal(EVP_PKEY_get_group_name(key, group, sizeof group, NULL), 1);
    assert_string_equal(group, "prime256v1");
    assert_int_equal(stat(key_path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(files_in_folder(), 2);
    EVP_PKEY_free(key);
    X509_free(cert);
}

static void it_is_good_from_yesterday_for_ten_years(void **state)
{
    X509 *cert = make_and_load("localhost");
    time_t an_hour_ago = time(NULL) - 3600, in_nine_years = time(NULL) + (time_t)9 * 365 * 86400;
    time_t in_eleven_years = time(NULL) + (time_t)11 * 365 * 86400;
    assert_int_equal(X509_cmp_time(X509_get0_notBefore(cert), &an_hour_ago), -1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(cert), &in_nine_years), 1);
    assert_int_equal(X509_cmp_time(X509_get0_notAfter(cert), &in_eleven_years), -1);
    X509_free(cert);
}

static int verify(X509 *trusted, X509 *cert)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE_add_cert(store, trusted);
    X509_STORE_CTX_init(context, store, cert, NULL);
    X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT);
    X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(context), "localhost", 0);
    int good = X509_verify_cert(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return good;
}

static void given_as_the_ca_it_vouches_for_itself_only(void **state)
{
    X509 *cert = make_and_load("chat.example.org"), *other = make_and_load("chat.example.org");
    assert_int_equal(verify(cert, cert), 1);
    assert_int_not_equal(verify(other, cert), 1);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(cert), X509_get0_serialNumber(other)), 0);
    X509_free(other);
    X509_free(cert);
}

static void what_cannot_be_written_is_named_and_leaves_nothing(void **state)
{
    const char *why = "";
    char missing[128];
    snprintf(missing, sizeof missing, "%s/missing/cert.pem", folder);
    assert_int_equal(cert_make(missing, key_path, "localhost", &why), ERR_SYSTEM);
    assert_non_null(strstr(why, missing));
    assert_int_equal(files_in_folder(), 0);
    assert_int_equal(cert_make(cert_path, missing, "localhost", &why), ERR_SYSTEM);
    assert_non_null(strstr(why, "No such file"));
    assert_int_equal(files_in_folder(), 0);
    assert_int_equal(mkdir(cert_path, 0700), 0); /* a folder is in the way of the certificate */
    assert_int_equal(cert_make(cert_path, key_path, "localhost", &why), ERR_SYSTEM);
    assert_non_null(strstr(why, cert_path));
}

static void a_leftover_is_not_written_through(void **state)
{
    char beside[128], victim[128];
    struct stat info;
    snprintf(beside, sizeof beside, "%s.new", key_path);
    snprintf(victim, sizeof victim, "%s/victim", folder);
    assert_int_equal(symlink(victim, beside), 0);
    X509_free(make_and_load("localhost"));
    assert_int_equal(access(victim, F_OK), -1);
    assert_int_equal(lstat(key_path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
}

static void fingerprints_are_those_of_the_der_form(void **state)
{
    char of_file[FINGERPRINT_SIZE], of_der[FINGERPRINT_SIZE];
    X509 *cert = make_and_load("localhost");
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);
    cert_fingerprint_der(slice_of(der, (size_t)len), of_der);
    assert_int_equal(cert_fingerprint_file(cert_path, of_file), OK);
    assert_string_equal(of_file, of_der);
    assert_int_equal(strlen(of_file), FINGERPRINT_SIZE - 1);
    cert_fingerprint_der(slice_str("abc"), of_der);
    assert_string_equal(of_der, "SHA256:ba:78:16:bf:8f:01:cf:ea:41:41:40:de:5d:ae:22:23:"
                                "b0:03:61:a3:96:17:7a:9c:b4:10:ff:61:f2:00:15:ad");
    OPENSSL_free(der);
    X509_free(cert);
}

static void fingerprints_need_a_certificate(void **state)
{
    char out[FINGERPRINT_SIZE] = "before";
    X509_free(make_and_load("localhost"));
    assert_int_equal(cert_fingerprint_file(key_path, out), ERR_INVALID);
    assert_int_equal(cert_fingerprint_file("/dev/null", out), ERR_INVALID);
    assert_int_equal(cert_fingerprint_file(folder, out), ERR_SYSTEM);
    remove(cert_path);
    assert_int_equal(cert_fingerprint_file(cert_path, out), ERR_SYSTEM);
    assert_string_equal(out, "before");
}

#define cert_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cert_test(it_names_its_host_and_this_machine),
        cert_test(a_host_may_be_an_address),
        cert_test(long_hosts_are_named_too),
        cert_test(hosts_that_are_none_are_refused),
        cert_test(its_key_is_p256_private_and_its_own),
        cert_test(it_is_good_from_yesterday_for_ten_years),
        cert_test(given_as_the_ca_it_vouches_for_itself_only),
        cert_test(what_cannot_be_written_is_named_and_leaves_nothing),
        cert_test(a_leftover_is_not_written_through),
        cert_test(fingerprints_are_those_of_the_der_form),
        cert_test(fingerprints_need_a_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
