/* options.h - the command line of earshotctl. */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "base/buf.h"
#include "commands.h"

struct ctl_options {
    char socket[4096];
    bool json, help, version;
    const struct ctl_command *command; /* unless help or version */
    const char *argument;              /* user or file, or NULL */
};

/* ERR_USAGE with a sentence in `why`. */
enum err ctl_options_read(struct ctl_options *options, int argc, char *const argv[], struct buf *why);

void ctl_help(struct buf *out);

#endif
