/* commands.c - the table of commands, and a line's way into it. What is common to all answers. */
#include "crowd.h"

#include <stdarg.h>
#include <stdio.h>

/* clang-format off */
const struct command commands[] = {
    /* one attempt each, `parallel` at a time; jitter: each begins within so many ms. stay=1: until all are online, and they come back;
     * heartbeat: ms, 0 for none, default what the server asks for */
    {"login", cmd_login, "how parallel jitter stay heartbeat from each rcvbuf"},
    {"await", cmd_await, "online seconds"},             /* until so many of them are online (or not more: online=0) */
    {"stay", cmd_stay, "on"},                           /* on=1: they come back by themselves, with a growing, random pause */
    {"logout", cmd_logout, ""},
    {"close", cmd_close, ""},                           /* abruptly */
    {"heartbeat", cmd_heartbeat, "every"},              /* ms; 0: none */
    {"pause", cmd_pause, ""},                           /* reads nothing any more */
    {"unpause", cmd_unpause, ""},
    {"sip", cmd_sip, "every"},                          /* one read every so many ms */
    {"dribble", cmd_dribble, "every bytes body to"},    /* a message, so many bytes of it every so many ms */
    {"send", cmd_send, "to count body"},                /* done when all are answered; to: default the neighbour (number ^ 1) */
    {"rate", cmd_rate, "per_second seconds body grace"},/* pairs of neighbours that are online; latencies */
    {"whoelse", cmd_whoelse, "since"},                  /* one member */
    {"watch", cmd_watch, ""},                           /* they ask whoelse, then follow presence */
    {"shown", cmd_shown, "of"},                         /* what those who watch have been told of others */
    {"state", cmd_state, ""},
    {"port", cmd_port, "to"},                           /* where the server listens from now on; members: all */
};
/* clang-format on */
const size_t commands_count = sizeof commands / sizeof commands[0];

/* ---- answers ---- */

void say(struct crowd *crowd, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
    putchar('\n');
    fflush(stdout);
}

void say_done(struct crowd *crowd, const struct args *args)
{
    say(crowd, "{\"event\":\"done\",\"n\":%llu,\"command\":\"%s\"}", (unsigned long long)args->n, args->command);
}

void say_wrong(struct crowd *crowd, uint64_t n, const char *why)
{
    say(crowd, "{\"event\":\"error\",\"n\":%llu,\"text\":\"%s\"}", (unsigned long long)n, why);
}

/* ---- errands ---- */

void *errand_new(struct crowd *crowd, const struct args *args, size_t size, const struct errand_ops *ops)
{
    struct errand *errand = calloc(1, size);
    if (errand == NULL)
        fail("out of memory");
    errand->ops = ops;
    errand->n = args->n;
    snprintf(errand->command, sizeof errand->command, "%s", args->command);
    errand->began = now_us();
    errand->crowd = crowd;
    errand->first = args->first;
    errand->count = args->count;
    errand->next = crowd->errands;
    crowd->errands = errand;
    return errand;
}

void errand_timer(struct errand *errand, void (*fire)(struct timer *), int64_t in_ms)
{
    errand->timer.fire = fire;
    if (timer_start(loop_world(errand->crowd->loop)->timers, &errand->timer, now_ms(errand->crowd) + in_ms) != OK)
        fail("out of memory");
}

void errand_end(struct errand *errand)
{
    struct errand **link = &errand->crowd->errands;
    while (*link != errand)
        link = &(*link)->next;
    *link = errand->next;
    timer_stop(loop_world(errand->crowd->loop)->timers, &errand->timer);
    free(errand);
}

/* ---- words ---- */

const char *args_text(const struct args *args, const char *key, const char *otherwise)
{
    for (unsigned i = 0; i < args->pairs; i++)
        if (strcmp(args->keys[i], key) == 0)
            return args->values[i];
    return otherwise;
}

int64_t args_number(const struct args *args, const char *key, int64_t otherwise)
{
    const char *text = args_text(args, key, NULL);
    return text != NULL ? strtoll(text, NULL, 10) : otherwise;
}

bool args_range(const struct crowd *crowd, const char *text, unsigned *first, unsigned *count)
{
    char *end;
    if (strcmp(text, "all") == 0) {
        *first = 0;
        *count = crowd->size;
        return true;
    }
    unsigned long low = strtoul(text, &end, 10), high = low;
    if (*end == '-')
        high = strtoul(end + 1, &end, 10);
    if (*end != '\0' || low > high || high >= crowd->size)
        return false;
    *first = (unsigned)low;
    *count = (unsigned)(high - low + 1);
    return true;
}

static bool knows(const struct command *command, const char *key)
{
    size_t len = strlen(key);
    for (const char *at = command->keys; (at = strstr(at, key)) != NULL; at += len)
        if ((at == command->keys || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

static bool add_pair(const struct command *command, struct args *args, char *word)
{
    char *value = strchr(word, '=');
    if (value == NULL || args->pairs == sizeof args->keys / sizeof args->keys[0])
        return false;
    *value++ = '\0';
    args->keys[args->pairs] = word;
    args->values[args->pairs++] = value;
    return knows(command, word);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; name != NULL && i < commands_count; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

void command_line(struct crowd *crowd, char *line)
{
    char *rest = line;
    struct args args = {.n = ++crowd->lines};
    const struct command *command = find(strtok_r(line, " ", &rest));
    if (command == NULL) {
        say_wrong(crowd, args.n, "no such command");
        return;
    }
    const char *range = strtok_r(NULL, " ", &rest);
    args.command = command->name;
    if (range == NULL || !args_range(crowd, range, &args.first, &args.count)) {
        say_wrong(crowd, args.n, "which members?");
        return;
    }
    for (char *word; (word = strtok_r(NULL, " ", &rest)) != NULL;)
        if (!add_pair(command, &args, word)) {
            say_wrong(crowd, args.n, "words behind the members are KEY=VALUE, with keys that the command knows");
            return;
        }
    command->run(crowd, &args);
}
