/* address.c - IPv4 and IPv6 socket addresses. */
#include "address.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static struct sockaddr_in *as_v4(const struct sockaddr_storage *address)
{
    return (struct sockaddr_in *)(uintptr_t)address;
}

static struct sockaddr_in6 *as_v6(const struct sockaddr_storage *address)
{
    return (struct sockaddr_in6 *)(uintptr_t)address;
}

bool address_parse(const char *host, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_storage address = {0};

    if (inet_pton(AF_INET, host, &as_v4(&address)->sin_addr) == 1)
        address.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, host, &as_v6(&address)->sin6_addr) == 1)
        address.ss_family = AF_INET6;
    else
        return false;
    address_set_port(&address, port);
    *out = address;
    return true;
}

void address_text(const struct sockaddr_storage *address, char out[CONN_ADDRESS_SIZE])
{
    const struct in6_addr *v6 = &as_v6(address)->sin6_addr;

    out[0] = '\0';
    if (address->ss_family == AF_INET)
        inet_ntop(AF_INET, &as_v4(address)->sin_addr, out, CONN_ADDRESS_SIZE);
    else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(v6))
        inet_ntop(AF_INET, &v6->s6_addr[12], out, CONN_ADDRESS_SIZE);
    else if (address->ss_family == AF_INET6)
        inet_ntop(AF_INET6, v6, out, CONN_ADDRESS_SIZE);
}

uint16_t address_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ntohs(as_v4(address)->sin_port);
    return address->ss_family == AF_INET6 ? ntohs(as_v6(address)->sin6_port) : 0;
}

void address_set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET)
        as_v4(address)->sin_port = htons(port);
    else if (address->ss_family == AF_INET6)
        as_v6(address)->sin6_port = htons(port);
}

socklen_t address_len(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family || address_port(a) != address_port(b))
        return false;
    if (a->ss_family == AF_INET)
        return as_v4(a)->sin_addr.s_addr == as_v4(b)->sin_addr.s_addr;
    return a->ss_family == AF_INET6 && memcmp(&as_v6(a)->sin6_addr, &as_v6(b)->sin6_addr, sizeof(struct in6_addr)) == 0 &&
           as_v6(a)->sin6_scope_id == as_v6(b)->sin6_scope_id;
}
