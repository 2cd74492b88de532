/* main.c - earshotd: what the command line asks for. */
#include "base/streams.h"
#include "server/lines.h"
#include "server/server.h"
#include <stdio.h>
#include <stdlib.h>

static int show_help(void)
{
    struct buf text;
    buf_init(&text, CONFIG_PROBLEMS_MAX);
    (void)config_help(&text);
    printf("%.*s", (int)buf_len(&text), (const char *)buf_data(&text));
    buf_free(&text);
    return fflush(stdout) == 0 ? EXIT_STOPPED : EXIT_CONFIGURATION;
}

static void tell(const struct buf *problems)
{
    struct slice rest = buf_slice(problems), line;
    while (lines_next(&rest, &line))
        fprintf(stderr, "earshotd: %.*s\n", (int)line.len, (const char *)line.data);
}

static int refuse(const struct buf *problems)
{
    tell(problems);
    return EXIT_CONFIGURATION;
}

static int check(const struct config *config, struct buf *problems)
{
    if (server_check(config, problems) != OK)
        return refuse(problems);
    tell(problems); /* warnings */
    puts("configuration ok");
    return EXIT_STOPPED;
}

static int act(int argc, char **argv, struct buf *problems)
{
    struct config config;
    enum config_action action;
    config_init(&config, getenv("STATE_DIRECTORY"));
    enum err err = config_load(&config, argc, argv, &action, problems);
    if (action == CONFIG_HELP)
        return show_help();
    if (action == CONFIG_VERSION)
        return puts("earshotd " EARSHOT_VERSION) >= 0 ? EXIT_STOPPED : EXIT_CONFIGURATION;
    if (err != OK)
        return refuse(problems);
    if (action == CONFIG_RESTORE)
        return server_restore(&config);
    return action == CONFIG_CHECK ? check(&config, problems) : server_run(&config, argc, argv);
}

int main(int argc, char **argv)
{
    struct buf problems;
    streams_open();
    buf_init(&problems, CONFIG_PROBLEMS_MAX);
    int code = act(argc, argv, &problems);
    buf_free(&problems);
    return code;
}
