/*
 * bot.c - an echo bot: answers every message with its own text.
 *
 *     cc bot.c $(pkg-config --cflags --libs earshot) -o bot
 *     BOT_PASSWORD=... ./bot HOST PORT USER
 *
 * It makes its account if there is none, trusts the server it sees first, survives the server's restarts, and logs out on SIGTERM
 * or SIGINT.
 */
#include <earshot/client.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct bot {
    struct earshot_client *client;
    bool done, failed;
};

static void on_event(void *ctx, const struct earshot_event *event)
{
    struct bot *bot = ctx;
    if (event->type == EARSHOT_EVENT_ONLINE) {
        printf("online as %s at %s\n", event->user, event->text);
    } else if (event->type == EARSHOT_EVENT_MESSAGE) {
        int64_t request = earshot_message(bot->client, event->user, event->body, event->body_len);
        if (request < 0)
            fprintf(stderr, "bot: cannot answer: %s\n", earshot_error_name((enum earshot_error) - request));
    } else if (event->type == EARSHOT_EVENT_ERROR && event->error != EARSHOT_NOT_ACCEPTED) {
        fprintf(stderr, "bot: %s: %s\n", earshot_error_name(event->error), event->text);
    } else if (event->type == EARSHOT_EVENT_CLOSED) {
        printf("closed: %s\n", earshot_error_name(event->error));
        bot->failed = event->error != EARSHOT_OK;
        bot->done = true;
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct bot bot = {0};
    if (argc != 4) {
        fprintf(stderr, "usage: BOT_PASSWORD=... %s HOST PORT USER\n", argv[0]);
        return 1;
    }
    struct earshot_options options = {.host = argv[1], .port = (uint16_t)strtoul(argv[2], NULL, 10), .user = argv[3]};
    options.password = getenv("BOT_PASSWORD") ? getenv("BOT_PASSWORD") : "";
    options.register_unknown = true;
    options.trust = EARSHOT_TRUST_NEW;

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int stop = signalfd(-1, &signals, SFD_CLOEXEC);

    enum earshot_error error = earshot_open(&options, on_event, &bot, &bot.client);
    if (error != EARSHOT_OK) {
        fprintf(stderr, "bot: %s\n", earshot_error_name(error));
        return 1;
    }
    struct pollfd wait[] = {{.fd = earshot_fd(bot.client), .events = POLLIN}, {.fd = stop, .events = POLLIN}};
    for (; !bot.done; earshot_progress(bot.client)) {
        if (poll(wait, 2, -1) > 0 && wait[1].revents != 0) {
            earshot_logout(bot.client);
            wait[1].fd = -1; /* once */
        }
    }
    close(stop);
    earshot_close(bot.client);
    return bot.failed;
}
