/*
 * fuzz_arguments.c - any command line of the server and of the client: understood, or refused with a reason that can be printed.
 * The first byte of the input says whose it is; lines are arguments.
 */
#include "base/utf8.h"
#include "options.h"
#include "server/config.h"
#include "text.h"
#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARGUMENTS = 32 };

static void try_server(int argc, char *const argv[])
{
    struct config config;
    struct buf problems;
    enum config_action action = CONFIG_SERVE;
    buf_init(&problems, CONFIG_PROBLEMS_MAX);
    config_init(&config, NULL);
    enum err err = config_flags(&config, argc, argv, &action, &problems);
    assert((err == OK) == (buf_len(&problems) == 0));
    if (err == OK && action == CONFIG_SERVE)
        (void)config_finish(&config, &problems);
    buf_free(&problems);
}

static void try_client(int argc, char *const argv[])
{
    struct cli_options options;
    struct buf why;
    buf_init(&why, TEXT_CAP);
    enum err err = cli_options_parse(argc, argv, &options, &why);
    assert((err == OK) == (buf_len(&why) == 0));
    assert(err != OK || options.help || options.version || options.host[0] != '\0');
    assert(strlen(options.host) <= CLI_HOST_MAX && strlen(options.user) <= CLI_HOST_MAX);
    buf_free(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "earshot";
    char *argv[ARGUMENTS + 1] = {program};
    int argc = 1;
    if (size < 1)
        return 0;
    char *words = malloc(size), *rest = words;
    assert(words != NULL);
    memcpy(words, data + 1, size - 1);
    words[size - 1] = '\0';
    for (char *word; argc < ARGUMENTS && (word = strsep(&rest, "\n")) != NULL;)
        argv[argc++] = word;
    if (data[0] % 2 == 0)
        try_server(argc, argv);
    else
        try_client(argc, argv);
    free(words);
    return 0;
}
