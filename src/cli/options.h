/*
 * options.h - the command line: `earshot [OPTIONS] [USER@]HOST[:PORT]`.
 *
 * One typed table in options.c makes the parser and the text of --help; each face (faces.h) adds a flag of its own name. Pure:
 * reads neither files nor the environment.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/buf.h"
#include "earshot/client.h"

struct face_type;

enum { CLI_HOST_MAX = 255, CLI_TRUST_DEFAULT = -1, CLI_DEFAULT_PORT = 4000 };

struct cli_options {
    const struct face_type *face; /* NULL: what fits standard input and output */
    const char *password_file, *ca, *state;
    bool register_unknown, hide_address;
    int trust; /* enum earshot_trust, or CLI_TRUST_DEFAULT */
    bool help, version;
    char user[CLI_HOST_MAX + 1]; /* "" if not given */
    char host[CLI_HOST_MAX + 1];
    uint16_t port;
};

/* Strings in *options point into argv. ERR_USAGE with a sentence appended to `why`, which names the option. With --help or
 * --version the server may be missing. */
enum err cli_options_parse(int argc, char *const argv[], struct cli_options *options, struct buf *why);

/* [USER@]HOST[:PORT]; an IPv6 address with a port is [ADDRESS]:PORT. */
enum err cli_target_parse(const char *text, struct cli_options *options, struct buf *why);

void cli_options_help(struct buf *out);

#endif
