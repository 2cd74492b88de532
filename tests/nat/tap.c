/*
 * tap.c - preloaded into earshotd by the NAT rig: keeps what the server receives, as it is after TLS, in files that begin with
 * what EARSHOT_TAP says, one for every connection. On the wire everything for the server is encrypted; only here can be seen
 * that no private text is in it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((visibility("default"))) int SSL_read_ex(SSL *ssl, void *space, size_t size, size_t *len)
{
    int (*next)(SSL *, void *, size_t, size_t *) = (__typeof__(next))dlsym(RTLD_NEXT, "SSL_read_ex");
    const char *begins = getenv("EARSHOT_TAP");
    char path[4096];
    int file, good = next(ssl, space, size, len);

    if (good != 1 || begins == NULL)
        return good;
    snprintf(path, sizeof path, "%s.%p", begins, (void *)ssl);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0 || write(file, space, *len) != (ssize_t)*len)
        abort();
    close(file);
    return good;
}
