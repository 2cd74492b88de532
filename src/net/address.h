/* address.h - socket addresses as text. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "net/conn.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* An IPv4 or IPv6 address in text; false if `host` is anything else (a name). */
bool address_parse(const char *host, uint16_t port, struct sockaddr_storage *out);
/* Without the port, "" if it is no IP address; an IPv4 address mapped into IPv6 is written as IPv4. */
void address_text(const struct sockaddr_storage *address, char out[CONN_ADDRESS_SIZE]);
uint16_t address_port(const struct sockaddr_storage *address);
void address_set_port(struct sockaddr_storage *address, uint16_t port);
socklen_t address_len(const struct sockaddr_storage *address);
/* The same address and port. */
bool address_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

#endif
