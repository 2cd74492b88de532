/* link.c - see link.h. */
#include "link.h"
#include "contacts.h"
#include "crypto/identity.h"
#include "crypto/password.h"
#include "errors.h"
#include "net/conn.h"
#include "server_key.h"
#include "trust.h"
#include "tunnel.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEFAULT_PORT = 4000, CONNECT_MS = 20000, OUT_CAP = 1 << 20 };

/* One connection, or the attempt at one. It outlives the link's interest in it: `closed` frees it. */
struct attempt {
    struct link *link; /* NULL: nobody is interested any more */
    struct conn *conn;
};

struct link {
    struct loop *loop;
    struct tls_context *tls;
    struct client_core *core;
    struct attempt *attempt; /* NULL: none */
    struct state *state;
    struct token_slot *slot;
    struct trust trust;
    char unknown[FINGERPRINT_SIZE]; /* what the trust question is about; "": there is none */
    bool trust_answered, trusted;
    char *host, *directory;
    uint16_t port;
    char server[SERVER_KEY_SIZE];
    earshot_callback *callback;
    void *ctx;
    struct task wake;
    bool woken;
    struct identity identity;
    struct contacts *contacts;
    struct tunnels tunnels;
};

const char *link_version(void)
{
    return EARSHOT_VERSION;
}

/* ---- connections ---- */

static void drop_attempt(struct link *link)
{
    if (link->attempt != NULL) {
        link->attempt->link = NULL;
        conn_close(link->attempt->conn);
    }
    link->attempt = NULL;
}

static void refuse(struct link *link, const char *why)
{
    link->unknown[0] = '\0';
    drop_attempt(link);
    core_lost(link->core, EARSHOT_NOT_TRUSTED, why);
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static void opened(void *ctx, struct conn *conn)
{
    struct link *link = ((struct attempt *)ctx)->link;
    char fingerprint[FINGERPRINT_SIZE];
    if (link == NULL)
        return;
    link->tunnels.loopback = is_loopback(conn_peer_address(conn));
    cert_fingerprint_der(conn_peer_certificate(conn), fingerprint);
    enum verdict verdict = trust_judge(&link->trust, fingerprint, conn_peer_verified(conn));
    if (verdict == TRUST_YES) {
        if (link->trust.why[0] != '\0')
            link->callback(link->ctx, &(struct earshot_event){.type = EARSHOT_EVENT_OTHER_CERTIFICATE, .text = link->trust.why});
        core_opened(link->core);
    } else if (verdict == TRUST_NO) {
        refuse(link, link->trust.why);
    } else {
        memcpy(link->unknown, fingerprint, sizeof link->unknown);
        link->callback(link->ctx, &(struct earshot_event){.type = EARSHOT_EVENT_UNKNOWN_SERVER, .text = fingerprint});
    }
}

static void received(void *ctx, struct slice bytes)
{
    struct attempt *attempt = ctx;
    if (attempt->link != NULL)
        core_data(attempt->link->core, bytes);
}

static void drained(void *ctx)
{
    struct attempt *attempt = ctx;
    if (attempt->link != NULL)
        core_drained(attempt->link->core);
}

static void closed(void *ctx, enum conn_end end)
{
    static const char *const texts[] = {
        [CONN_CLOSED] = "The server closed the connection.",
        [CONN_RESET] = "The connection broke.",
        [CONN_TLS_FAILED] = "The server does not speak TLS 1.3.",
        [CONN_TIMED_OUT] = "The server cannot be reached in time.",
        [CONN_REFUSED] = "Nothing listens there.",
        [CONN_UNREACHABLE] = "There is no way to the server from here.",
        [CONN_NOT_RESOLVED] = "There is no such host.",
        [CONN_NO_RESOLVER] = "The host's address cannot be looked up.",
    };
    struct attempt *attempt = ctx;
    struct link *link = attempt->link;
    free(attempt);
    if (link == NULL)
        return;
    link->attempt = NULL;
    if (link->unknown[0] == '\0') /* while the user thinks, the core does not care; a yes connects again */
        core_lost(link->core, EARSHOT_NO_CONNECTION,
                  (size_t)end < sizeof texts / sizeof texts[0] ? texts[end] : texts[CONN_RESET]);
}

static enum err connect_op(void *ctx)
{
    static const struct conn_ops ops = {.open = opened, .data = received, .drained = drained, .closed = closed};
    struct link *link = ctx;
    struct attempt *attempt = calloc(1, sizeof *attempt);
    if (attempt == NULL)
        return ERR_MEMORY;
    attempt->link = link;
    enum err err =
        conn_connect(link->loop, link->tls, link->host, link->port, CONNECT_MS, OUT_CAP, &ops, attempt, &attempt->conn);
    if (err != OK) {
        free(attempt);
        return err;
    }
    link->attempt = attempt;
    return OK;
}

static enum err write_op(void *ctx, struct slice bytes)
{
    struct link *link = ctx;
    return link->attempt != NULL ? conn_write(link->attempt->conn, bytes) : ERR_STOPPED;
}

static void hang_up_op(void *ctx)
{
    struct link *link = ctx;
    link->unknown[0] = '\0';
    drop_attempt(link);
}

static void event_op(void *ctx, const struct earshot_event *event)
{
    struct link *link = ctx;
    link->callback(link->ctx, event);
}

static bool load_token_op(void *ctx, const struct name *user, struct token *token)
{
    struct link *link = ctx;
    if (link->state == NULL)
        return false;
    if (link->slot == NULL && token_slot_claim(link->state, link->server, user, &link->slot) != OK)
        return false;
    return token_slot_load(link->slot, token);
}

static void save_token_op(void *ctx, const struct token *token)
{
    struct link *link = ctx;
    if (link->slot != NULL)
        (void)token_slot_save(link->slot, token); /* without it the next run asks for the password */
}

static const struct core_ops core_ops = {
    .connect = connect_op,
    .write = write_op,
    .hang_up = hang_up_op,
    .event = event_op,
    .load_token = load_token_op,
    .save_token = save_token_op,
};

/* ---- the trust question ---- */

static void answer_trust(struct link *link)
{
    link->trust_answered = false;
    if (link->unknown[0] == '\0')
        return;
    if (!link->trusted) {
        refuse(link, "The server's certificate was not accepted.");
        return;
    }
    trust_accept(&link->trust, link->unknown);
    link->unknown[0] = '\0';
    if (link->attempt != NULL)
        core_opened(link->core);
    else if (connect_op(link) != OK)
        core_lost(link->core, EARSHOT_NO_CONNECTION, "The connection cannot be made.");
}

enum earshot_error link_trust(struct link *link, bool trust)
{
    if (link->unknown[0] == '\0' || link->trust_answered)
        return EARSHOT_USAGE;
    link->trusted = trust;
    link->trust_answered = true;
    link_wake(link);
    return EARSHOT_OK;
}

int64_t link_logout(struct link *link)
{
    int64_t id = core_logout(link->core);
    (void)link_trust(link, false); /* a logout answers it */
    link_wake(link);
    return id;
}

/* ---- making, turning, closing ---- */

static void woken(struct task *task)
{
    struct link *link = (struct link *)(void *)((char *)task - offsetof(struct link, wake));
    link->woken = false;
    if (link->core != NULL && link->trust_answered)
        answer_trust(link);
}

void link_wake(struct link *link)
{
    if (link->woken)
        return;
    link->woken = true;
    strand_post(loop_strand(link->loop), &link->wake);
}

/* A library must neither die of SIGPIPE nor change what its program does about it. */
void link_progress(struct link *link)
{
    sigset_t pipe, pending, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    bool ours = !sigismember(&pending, SIGPIPE) && pthread_sigmask(SIG_BLOCK, &pipe, &before) == 0;
    loop_turn(link->loop);
    if (!ours)
        return;
    while (sigtimedwait(&pipe, NULL, &(struct timespec){0}) == SIGPIPE)
        ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int link_fd(const struct link *link)
{
    return loop_fd(link->loop);
}

struct client_core *link_core(struct link *link)
{
    return link->core;
}

static enum earshot_error take_options(struct link *link, const struct earshot_options *options)
{
    if (options->host == NULL || options->host[0] == '\0' || strlen(options->host) > SERVER_KEY_HOST ||
        strpbrk(options->host, " \n\t") != NULL || (unsigned)options->trust > EARSHOT_TRUST_ASK)
        return EARSHOT_BAD_OPTION;
    link->port = options->port != 0 ? options->port : DEFAULT_PORT;
    server_key(options->host, link->port, link->server);
    link->host = strdup(options->host);
    link->trust.mode = options->trust;
    link->trust.server = link->server;
    if (link->host == NULL)
        return EARSHOT_NO_MEMORY;
    if (options->state == NULL)
        return EARSHOT_OK;
    enum err err = state_open(options->state, &link->state);
    link->trust.state = link->state;
    link->directory = strdup(options->state);
    link->trust.directory = link->directory;
    return err == OK ? EARSHOT_OK : err == ERR_MEMORY ? EARSHOT_NO_MEMORY : EARSHOT_NO_STATE;
}

static enum earshot_error make_core(struct link *link, const struct earshot_options *options)
{
    struct core_options core = {.server = link->server, .user = options->user, .password = options->password};
    core.client = options->client != NULL ? options->client : "libearshot " EARSHOT_VERSION;
    core.register_unknown = options->register_unknown;
    core.ask_register = options->ask_register;
    core.transport = &tunnel_transport;
    core.transport_ctx = &link->tunnels;
    core.identity = &link->identity;
    core.contacts = link->contacts;
    enum err err = core_new(&core, loop_world(link->loop), &core_ops, link, &link->core);
    return err == OK ? EARSHOT_OK : error_from_err(err);
}

/* Who this device is to its contacts, and who they are. */
static enum earshot_error make_identity(struct link *link)
{
    int dir = link->state != NULL ? state_dir(link->state) : -1;
    if (crypto_init() != OK)
        return EARSHOT_NO_MEMORY;
    if (dir < 0)
        identity_make(&system_random, &link->identity);
    else if (identity_open(dir, "identity", &system_random, &link->identity) != OK)
        return EARSHOT_NO_STATE;
    return contacts_new(dir, link->server, &link->contacts) == OK ? EARSHOT_OK : EARSHOT_NO_MEMORY;
}

enum earshot_error link_open(const struct earshot_options *options, earshot_callback *callback, void *ctx, struct link **out)
{
    const char *why;
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return EARSHOT_NO_MEMORY;
    link->callback = callback;
    link->ctx = ctx;
    link->wake.run = woken;
    enum earshot_error error = take_options(link, options);
    if (error == EARSHOT_OK && loop_new(&link->loop) != OK)
        error = EARSHOT_NO_MEMORY;
    if (error == EARSHOT_OK && tls_client_new(options->ca, &link->tls, &why) != OK)
        error = EARSHOT_BAD_OPTION;
    if (error == EARSHOT_OK)
        error = make_identity(link);
    link->tunnels.loop = link->loop;
    link->tunnels.relay_only = options->hide_address;
    if (error == EARSHOT_OK)
        error = make_core(link, options);
    if (error != EARSHOT_OK) {
        link_close(&link);
        return error;
    }
    core_start(link->core);
    link_wake(link);
    *out = link;
    return EARSHOT_OK;
}

void link_close(struct link **link)
{
    struct link *old = *link;
    if (old == NULL)
        return;
    *link = NULL;
    if (old->attempt != NULL)
        old->attempt->link = NULL; /* the loop closes and frees it */
    core_free(&old->core);
    tunnels_finish(&old->tunnels);
    loop_free(&old->loop);
    contacts_free(&old->contacts);
    identity_wipe(&old->identity);
    tls_unref(&old->tls);
    token_slot_release(&old->slot);
    state_free(&old->state);
    free(old->host);
    free(old->directory);
    free(old);
}
