/* people.c - see people.h. */
#include "people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ledger *ledger_of(struct device *device)
{
    return &device->people->ledger;
}

/* What was read lately may come again: the server may not know of it. */
static void may_come_again(struct device *device)
{
    size_t count = device->recent_count < RECENT ? device->recent_count : RECENT;
    for (size_t i = 0; i < count; i++)
        ledger_of(device)->letters[device->recent[i]].again_ok |= (uint8_t)device_bit(device->number);
}

/* ---- the client's network ---- */

static void wire_opened(void *ctx)
{
    core_opened(((struct device *)ctx)->core);
}

static void wire_data(void *ctx, struct slice bytes)
{
    core_data(((struct device *)ctx)->core, bytes);
}

static void offline(struct device *device)
{
    device->online = device->knows_presence = false;
    device->people->network.changes++;
}

/* Until it has a horizon a client cannot say at its return what it has. */
static void lose(struct device *device)
{
    device->lost = true;
    if (!device->has_horizon)
        may_come_again(device);
}

static void wire_lost(void *ctx)
{
    struct device *device = ctx;
    device->wire = NULL;
    lose(device);
    offline(device);
    core_lost(device->core, EARSHOT_NO_CONNECTION, "The wire is gone.");
}

static const struct wire_ops wire_ops = {wire_opened, wire_data, wire_lost};

static enum err device_connect(void *ctx)
{
    struct device *device = ctx;
    device->wire = network_connect(&device->people->network, device->number, &wire_ops, device);
    return OK;
}

static enum err device_write(void *ctx, struct slice bytes)
{
    return wire_write(((struct device *)ctx)->wire, bytes);
}

static void device_hang_up(void *ctx)
{
    struct device *device = ctx;
    struct wire *wire = device->wire;
    device->wire = NULL;
    if (wire->silent_since >= 0)
        lose(device);
    offline(device);
    wire_hang_up(wire);
}

static bool load_token(void *ctx, const struct name *user, struct token *token)
{
    struct device *device = ctx;
    *token = device->token;
    return device->has_token;
}

static void save_token(void *ctx, const struct token *token)
{
    struct device *device = ctx;
    device->has_token = token != NULL;
    if (token != NULL)
        device->token = *token;
}

/* ---- what the client tells ---- */

static unsigned person_of(struct device *device, const char *name)
{
    unsigned person = PEOPLE;
    if (sscanf(name, "p%u", &person) != 1 || person >= PEOPLE)
        ledger_wrong(ledger_of(device), "device %u hears of %s", device->number, name);
    return person;
}

static struct asked *asked_of(struct device *device, int64_t request)
{
    if (request <= 0 || (size_t)request >= device->asked_room)
        return NULL;
    return &device->asked[request];
}

static void remember(struct device *device, int64_t request, int kind, size_t what)
{
    if (request <= 0)
        ledger_wrong(ledger_of(device), "device %u may not ask: %lld", device->number, (long long)request);
    while ((size_t)request >= device->asked_room) {
        size_t room = device->asked_room ? device->asked_room * 2 : 64;
        device->asked = realloc(device->asked, room * sizeof *device->asked);
        if (device->asked == NULL)
            abort();
        device->asked_room = room;
    }
    device->asked[request] = (struct asked){kind, what, false};
}

static void on_ok(struct device *device, const struct earshot_event *event)
{
    struct asked *asked = asked_of(device, event->request);
    if (asked->kind == ASKED_LETTER)
        ledger_accepted(ledger_of(device), asked->what, event->id);
    else if (asked->kind == ASKED_BLOCK || asked->kind == ASKED_UNBLOCK)
        ledger_block(ledger_of(device), device_owner(device->number), (unsigned)asked->what,
                     asked->kind == ASKED_BLOCK ? BLOCKED : NOT_BLOCKED);
}

static void on_letter_error(struct device *device, struct asked *asked, enum earshot_error error)
{
    struct ledger *ledger = ledger_of(device);
    if (error == EARSHOT_NOT_ACCEPTED)
        asked->repeated = true;
    else if (error == EARSHOT_BLOCKED && asked->repeated)
        ledger_unknown(ledger, asked->what); /* the first time it may have come in before the block */
    else if (error == EARSHOT_BLOCKED || error == EARSHOT_NOT_STORED)
        ledger_refused(ledger, asked->what);
    else if (error == EARSHOT_UNAVAILABLE && device->closed)
        ledger_unknown(ledger, asked->what);
    else
        ledger_wrong(ledger, "letter %zu fails with error %d", asked->what, (int)error);
}

static void on_error(struct device *device, const struct earshot_event *event)
{
    struct asked *asked = asked_of(device, event->request);
    unsigned me = device_owner(device->number);
    if (asked == NULL)
        ledger_wrong(ledger_of(device), "device %u gets an error that answers nothing: %s", device->number, event->text);
    if (asked->kind == ASKED_LETTER)
        on_letter_error(device, asked, event->error);
    else if (event->error == EARSHOT_ALREADY_BLOCKED)
        ledger_block(ledger_of(device), me, (unsigned)asked->what, BLOCKED);
    else if (event->error == EARSHOT_NOT_BLOCKED)
        ledger_block(ledger_of(device), me, (unsigned)asked->what, NOT_BLOCKED);
    else if (event->error != EARSHOT_UNAVAILABLE && event->error != EARSHOT_NOT_STORED)
        ledger_wrong(ledger_of(device), "device %u gets error %d", device->number, (int)event->error);
}

static void on_message(struct device *device, const struct earshot_event *event)
{
    size_t letter;
    if (sscanf(event->body, "letter %zu", &letter) != 1)
        ledger_wrong(ledger_of(device), "device %u reads: %s", device->number, event->body);
    ledger_read(ledger_of(device), device->number, letter, event->id, person_of(device, event->user),
                event->type == EARSHOT_EVENT_SENT);
    if (event->type == EARSHOT_EVENT_MESSAGE)
        device->recent[device->recent_count++ % RECENT] = letter;
}

static void check_sample(struct device *device);

static void on_users(struct device *device, const struct earshot_event *event)
{
    struct ledger *ledger = ledger_of(device);
    unsigned me = device_owner(device->number);
    struct asked *asked = asked_of(device, event->request);
    if (asked->kind != ASKED_WHO && asked->kind != ASKED_SAMPLE)
        return;
    memset(ledger->sees[device->number], 0, sizeof ledger->sees[device->number]);
    for (unsigned person = 0; person < PEOPLE; person++)
        ledger->unsure_presence[device->number][person] = ledger_unsure(ledger, person, me);
    for (size_t i = 0; i < event->user_count; i++) {
        unsigned person = person_of(device, event->users[i]);
        ledger->sees[device->number][person] = true;
        if (person == me || ledger_blocks(ledger, person, me))
            ledger_wrong(ledger, "whoelse tells device %u of %u", device->number, person);
    }
    device->knows_presence = true;
    if (asked->kind == ASKED_SAMPLE)
        check_sample(device);
}

static void on_online(struct device *device, const struct earshot_event *event)
{
    device->online = true;
    device->people->network.changes++;
    if (!device->leaving)
        people_who(device->people, device->number);
}

static void on_caught_up(struct device *device, const struct earshot_event *event)
{
    device->lost = false;
    device->has_horizon = true;
}

static void on_presence(struct device *device, const struct earshot_event *event)
{
    ledger_presence(ledger_of(device), device->number, person_of(device, event->user), event->online);
}

static void on_broadcast(struct device *device, const struct earshot_event *event)
{
    ledger_broadcast(ledger_of(device), device->number, person_of(device, event->user));
}

static void on_disconnected(struct device *device, const struct earshot_event *event)
{
    offline(device);
    if (event->retry_after < 0)
        device->closed = true;
}

/* Acknowledgements that the disk refuses are stored later, but not if the device has gone by then. */
static bool disk_in_trouble(struct device *device)
{
    const struct people *people = device->people;
    return people->network.stage->failing != 0 || *people->ledger.now <= people->trouble + GRACE_MS;
}

static void on_closed(struct device *device, const struct earshot_event *event)
{
    offline(device);
    device->closed = true;
    if (device->lost || disk_in_trouble(device))
        may_come_again(device);
}

static void (*const handlers[])(struct device *, const struct earshot_event *) = {
    [EARSHOT_EVENT_OK] = on_ok,
    [EARSHOT_EVENT_ERROR] = on_error,
    [EARSHOT_EVENT_MESSAGE] = on_message,
    [EARSHOT_EVENT_SENT] = on_message,
    [EARSHOT_EVENT_USERS] = on_users,
    [EARSHOT_EVENT_ONLINE] = on_online,
    [EARSHOT_EVENT_PRESENCE] = on_presence,
    [EARSHOT_EVENT_BROADCAST] = on_broadcast,
    [EARSHOT_EVENT_CAUGHT_UP] = on_caught_up,
    [EARSHOT_EVENT_DISCONNECTED] = on_disconnected,
    [EARSHOT_EVENT_CLOSED] = on_closed,
};

static void device_event(void *ctx, const struct earshot_event *event)
{
    struct device *device = ctx;
    ledger_note(ledger_of(device), "%u %d %lld %d %d %s %llu %d %d %u %s", device->number, (int)event->type,
                (long long)event->request, (int)event->error, (int)event->reason, event->user ? event->user : "",
                (unsigned long long)event->id, event->stored, event->online, event->delivered, event->body ? event->body : "");
    size_t type = event->type;
    if (type < sizeof handlers / sizeof handlers[0] && handlers[type] != NULL)
        handlers[type](device, event);
}

static const struct core_ops core_ops = {device_connect, device_write, device_hang_up, device_event, load_token, save_token};

/* ---- what people do ---- */

void people_start(struct people *people, unsigned number, const char *password)
{
    struct device *device = &people->devices[number];
    char user[16];
    snprintf(user, sizeof user, "p%u", device_owner(number));
    const struct core_options options = {
        .server = "stage", .user = user, .client = "simulation", .password = password, .register_unknown = true};
    core_free(&device->core);
    device->online = device->closed = device->knows_presence = device->leaving = device->lost = device->has_horizon = false;
    device->recent_count = 0;
    if (core_new(&options, &device->world, &core_ops, device, &device->core) != OK)
        abort();
    core_start(device->core);
}

bool people_idle(const struct people *people, unsigned number)
{
    return people->devices[number].core == NULL || people->devices[number].closed;
}

bool people_online(const struct people *people, unsigned number)
{
    const struct device *device = &people->devices[number];
    return device->online && !device->closed && !device->leaving;
}

static int64_t ask(struct device *device, int kind, unsigned whom, const char *body)
{
    struct request request = {.kind = kind};
    if (whom < PEOPLE)
        request.user.len = (uint8_t)snprintf(request.user.text, sizeof request.user.text, "p%u", whom);
    return core_ask(device->core, &request, slice_str(body));
}

void people_message(struct people *people, unsigned number, unsigned to)
{
    struct device *device = &people->devices[number];
    char body[64];
    size_t letter = ledger_ask(&people->ledger, device_owner(number), to);
    snprintf(body, sizeof body, "letter %zu from p%u to p%u", letter, device_owner(number), to);
    remember(device, ask(device, REQUEST(MESSAGE), to, body), ASKED_LETTER, letter);
}

void people_broadcast(struct people *people, unsigned number)
{
    struct device *device = &people->devices[number];
    remember(device, ask(device, REQUEST(BROADCAST), PEOPLE, "hear, hear"), ASKED_OTHER, 0);
}

void people_who(struct people *people, unsigned number)
{
    struct device *device = &people->devices[number];
    remember(device, ask(device, REQUEST(WHOELSE), PEOPLE, ""), ASKED_WHO, 0);
}

void people_who_since(struct people *people, unsigned number, uint64_t seconds)
{
    struct device *device = &people->devices[number];
    const struct request request = {.kind = REQUEST(WHOELSESINCE), .seconds = seconds};
    remember(device, core_ask(device->core, &request, slice_str("")), ASKED_OTHER, 0);
}

void people_block(struct people *people, unsigned number, unsigned whom, bool on)
{
    struct device *device = &people->devices[number];
    ledger_block(&people->ledger, device_owner(number), whom, UNSURE);
    remember(device, ask(device, on ? REQUEST(BLOCK) : REQUEST(UNBLOCK), whom, ""), on ? ASKED_BLOCK : ASKED_UNBLOCK, whom);
}

void people_logout(struct people *people, unsigned number)
{
    struct device *device = &people->devices[number];
    device->leaving = true;
    remember(device, core_logout(device->core), ASKED_OTHER, 0);
}

/* ---- the truth ---- */

enum { AWAY, PRESENT, NOBODY_KNOWS };

static void know_presence(struct people *people, uint8_t truth[PEOPLE])
{
    memset(truth, AWAY, PEOPLE);
    for (unsigned i = 0; i < DEVICES; i++)
        if (people->devices[i].online)
            truth[device_owner(i)] = PRESENT;
    for (unsigned i = 0; i < DEVICES; i++)
        if (people->devices[i].core != NULL && !people->devices[i].online && !people->devices[i].closed)
            truth[device_owner(i)] = NOBODY_KNOWS;
    for (struct wire *wire = people->network.wires; wire != NULL; wire = wire->next) {
        struct session_settings *settings = &people->network.settings;
        if (wire->silent_since < 0 && wire->ops != NULL)
            continue;
        truth[device_owner(wire->owner)] = NOBODY_KNOWS; /* one end does not know of the other's end */
        if (wire->session != NULL && wire->silent_since >= 0 &&
            *people->ledger.now > wire->silent_since + settings->silence_ms + 10 * 1000)
            ledger_wrong(&people->ledger, "the ghost of device %u does not go away", wire->owner);
    }
}

/* Does a device see what is true, as far as it may? */
static void check_presence(struct people *people, unsigned device, const uint8_t truth[PEOPLE])
{
    struct ledger *ledger = &people->ledger;
    unsigned me = device_owner(device);
    for (unsigned person = 0; person < PEOPLE; person++) {
        const struct rule_of_block *block = &ledger->blocks[person][me];
        if (person == me || truth[person] == NOBODY_KNOWS || ledger->unsure_presence[device][person] || block->state == UNSURE)
            continue;
        bool visible = truth[person] == PRESENT && block->state == NOT_BLOCKED;
        if (ledger->sees[device][person] != visible)
            ledger_wrong(ledger, "to device %u person %u is %s", device, person,
                         visible ? "away, but is not" : "online, but is not");
    }
}

static void check_sample(struct device *device)
{
    device->sampled = true;
}

bool people_sample(struct people *people, unsigned number)
{
    struct device *device = &people->devices[number];
    struct stage *stage = people->network.stage;
    uint8_t truth[PEOPLE];
    unsigned changes = people->network.changes;
    know_presence(people, truth);
    device->sampled = false;
    remember(device, ask(device, REQUEST(WHOELSE), PEOPLE, ""), ASKED_SAMPLE, 0);
    stage_pass(stage, 1000);
    if (!device->sampled || people->network.changes != changes)
        return false;
    for (unsigned i = 0; i < DEVICES; i++)
        if (people_online(people, i) && people->devices[i].knows_presence && people->devices[i].wire->silent_since < 0)
            check_presence(people, i, truth);
    people->ledger.samples++;
    return true;
}

/* ---- beginning and end ---- */

void people_open(struct people *people, struct stage *stage)
{
    struct session_settings settings = session_settings_default;
    settings.heartbeat_ms = 600 * 1000; /* fewer of them: two days are long */
    settings.silence_ms = 1290 * 1000;
    settings.timeout_ms = 3600 * 1000;
    people->trouble = INT64_MIN / 2;
    ledger_init(&people->ledger, &stage->now);
    network_open(&people->network, stage, &settings);
    for (unsigned i = 0; i < DEVICES; i++) {
        people->devices[i] = (struct device){.people = people, .number = i};
        people->devices[i].world = (struct world){&stage->clock, &stage->timers, &stage->random, NULL};
    }
}

void people_close(struct people *people)
{
    for (unsigned i = 0; i < DEVICES; i++) {
        struct device *device = &people->devices[i];
        if (device->wire != NULL)
            device_hang_up(device);
        core_free(&device->core);
        free(device->asked);
    }
    network_close(&people->network);
    ledger_free(&people->ledger);
}
