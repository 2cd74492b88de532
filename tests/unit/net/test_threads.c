/*
 * A server on its own thread, clients on another, one TLS context for both server loops, answers through a worker and back by
 * posting: the shape of the real thing, for the thread sanitizer above all.
 */
#include "net/workers.h"
#include "pair.h"
#include <pthread.h>

enum { CLIENTS = 24, ROUNDS = 40, SERVERS = 2 };

struct server {
    pthread_t thread;
    struct loop *loop;
    struct listener *listener;
    struct tls_context *context;
    struct workers *workers;
    struct guest *guests;
    unsigned dealt; /* the first one's: connections it has passed on */
};

/* A connection at the server: what arrives is answered when a worker has seen it. */
struct guest {
    struct job job;
    struct server *server;
    struct conn *conn;
    struct guest *next;
    bool working, gone;
    size_t arrived, answered;
};

static void guest_work(struct job *job)
{
}

static void guest_free(struct guest *guest)
{
    struct guest **link = &guest->server->guests;

    while (*link != guest)
        link = &(*link)->next;
    *link = guest->next;
    free(guest);
}

static void guest_answer(struct guest *guest)
{
    if (guest->working || guest->arrived == guest->answered)
        return;
    guest->working = true;
    assert_int_equal(pool_submit(workers_pool(guest->server->workers), &guest->job), OK);
}

static void guest_done(struct job *job)
{
    struct guest *guest = (struct guest *)job;

    guest->working = false;
    if (guest->gone) {
        guest_free(guest);
        return;
    }
    while (guest->answered < guest->arrived) {
        assert_int_equal(conn_write(guest->conn, slice_str("!")), OK);
        guest->answered++;
    }
}

static void guest_data(void *ctx, struct slice bytes)
{
    struct guest *guest = ctx;

    guest->arrived += bytes.len;
    guest_answer(guest);
}

static void guest_closed(void *ctx, enum conn_end how)
{
    struct guest *guest = ctx;

    guest->gone = true;
    if (!guest->working)
        guest_free(guest);
}

static const struct conn_ops guest_ops = {NULL, guest_data, NULL, guest_closed};

/* On the server's loop. */
static void take(void *ctx, int fd, const struct conn_peer *peer)
{
    struct server *server = ctx;
    struct guest *guest = calloc(1, sizeof *guest);

    *guest = (struct guest){.server = server, .next = server->guests};
    guest->job = (struct job){.home = loop_strand(server->loop), .work = guest_work, .done = guest_done};
    server->guests = guest;
    assert_int_equal(
        conn_accept(server->loop, tls_ref(server->context), fd, peer, PATIENCE_MS, OUT_CAP, &guest_ops, guest, &guest->conn), OK);
}

/* An accepted connection on its way to the loop that it will live on. */
struct handover {
    struct task task;
    struct server *to;
    int fd;
    struct conn_peer peer;
};

static void arrive(struct task *task)
{
    struct handover *handover = (struct handover *)task;

    take(handover->to, handover->fd, &handover->peer);
    free(handover);
}

/* On the first server's loop: to each in turn. */
static void deal_out(void *ctx, int fd, const struct conn_peer *peer)
{
    struct server *servers = ctx, *to = &servers[servers->dealt++ % SERVERS];
    struct handover *handover = malloc(sizeof *handover);

    *handover = (struct handover){{.run = arrive}, to, fd, *peer};
    strand_post(loop_strand(to->loop), &handover->task);
}

static void *run(void *arg)
{
    loop_run(((struct server *)arg)->loop);
    return NULL;
}

static void servers_start(struct server *servers, struct place *place, struct workers *workers)
{
    const char *why;

    for (int i = 0; i < SERVERS; i++) {
        servers[i] = (struct server){.context = place->server, .workers = workers};
        assert_int_equal(loop_new(&servers[i].loop), OK);
    }
    assert_int_equal(listener_open(servers[0].loop, "127.0.0.1", 0, deal_out, servers, &servers[0].listener, &why), OK);
    for (int i = 0; i < SERVERS; i++)
        pthread_create(&servers[i].thread, NULL, run, &servers[i]);
}

static void servers_stop(struct server *servers, struct workers **workers)
{
    for (int i = 0; i < SERVERS; i++)
        loop_stop(servers[i].loop);
    for (int i = 0; i < SERVERS; i++)
        pthread_join(servers[i].thread, NULL);
    workers_free(workers);
    for (int i = 0; i < SERVERS; i++) {
        while (servers[i].guests) /* the clients have gone: their ends are still to be seen */
            loop_turn(servers[i].loop);
        listener_close(&servers[i].listener);
        loop_free(&servers[i].loop);
    }
}

static void test_threads(void **state)
{
    static struct side clients[CLIENTS];
    struct server servers[SERVERS];
    struct workers *workers;
    struct place place;

    place_init(&place);
    assert_int_equal(workers_new(2, CLIENTS, &workers), OK);
    servers_start(servers, &place, workers);
    for (int i = 0; i < CLIENTS; i++) {
        side_init(&clients[i]);
        assert_int_equal(conn_connect(place.loop, place.client, "127.0.0.1", listener_port(servers[0].listener), PATIENCE_MS,
                                      OUT_CAP, &side_ops, &clients[i], &clients[i].conn),
                         OK);
    }
    for (int i = 0; i < CLIENTS; i++)
        wait_for(place.loop, clients[i].opened);
    for (size_t round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++)
            assert_int_equal(conn_write(clients[i].conn, slice_str("?")), OK);
        for (int i = 0; i < CLIENTS; i++)
            wait_for(place.loop, buf_len(&clients[i].got) >= round);
    }
    for (int i = 0; i < CLIENTS; i++)
        conn_close(clients[i].conn);
    for (int i = 0; i < CLIENTS; i++) {
        wait_for(place.loop, clients[i].closed);
        assert_int_equal(buf_len(&clients[i].got), ROUNDS);
        buf_free(&clients[i].got);
    }
    servers_stop(servers, &workers);
    place_free(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
