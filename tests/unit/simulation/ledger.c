/* ledger.c - see ledger.h. */
#include "ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void ledger_init(struct ledger *ledger, const int64_t *now)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->now = now;
    ledger->hash = 0xcbf29ce484222325;
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->letters);
    ledger->letters = NULL;
}

/* The last devices are second ones of the first people. */
unsigned device_owner(unsigned device)
{
    return device % PEOPLE;
}

unsigned device_bit(unsigned device)
{
    return 1u << device / PEOPLE;
}

unsigned devices_of(unsigned person)
{
    return person + PEOPLE < DEVICES ? 2 : 1;
}

void ledger_wrong(struct ledger *ledger, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(ledger->why, sizeof ledger->why, format, args);
    va_end(args);
    fail_msg("after %lld ms: %s", (long long)*ledger->now, ledger->why);
    abort();
}

/* FNV-1a, after Fowler, Noll and Vo. */
void ledger_note(struct ledger *ledger, const char *format, ...)
{
    char line[256];
    va_list args;
    int len = snprintf(line, sizeof line, "%lld ", (long long)*ledger->now);
    va_start(args, format);
    vsnprintf(line + len, sizeof line - (size_t)len, format, args);
    va_end(args);
    for (const char *at = line; *at != '\0'; at++)
        ledger->hash = (ledger->hash ^ (uint8_t)*at) * 0x100000001b3;
    if (getenv("EARSHOT_SIMULATION_LOG") != NULL)
        fprintf(stderr, "%s\n", line);
}

/* ---- messages ---- */

size_t ledger_ask(struct ledger *ledger, unsigned from, unsigned to)
{
    if (ledger->count == ledger->room) {
        ledger->room = ledger->room ? ledger->room * 2 : 1024;
        ledger->letters = realloc(ledger->letters, ledger->room * sizeof *ledger->letters);
        assert_non_null(ledger->letters);
    }
    ledger->letters[ledger->count] = (struct letter){.from = from, .to = to, .asked = *ledger->now};
    return ledger->count++;
}

void ledger_accepted(struct ledger *ledger, size_t number, uint64_t id)
{
    struct letter *letter = &ledger->letters[number];
    uint64_t *last = &ledger->last_sent[letter->from][letter->to];
    const struct rule_of_block *block = &ledger->blocks[letter->to][letter->from];
    if (letter->fate != ASKED || id == 0)
        ledger_wrong(ledger, "letter %zu is accepted as %llu, after fate %d", number, (unsigned long long)id, letter->fate);
    if (ledger_blocks(ledger, letter->to, letter->from) && letter->asked > block->since + GRACE_MS)
        ledger_wrong(ledger, "letter %zu from %u is accepted, whom %u has blocked", number, letter->from, letter->to);
    if (devices_of(letter->from) == 1 && id <= *last)
        ledger_wrong(ledger, "letter %zu from %u to %u is out of order", number, letter->from, letter->to);
    *last = id;
    letter->fate = ACCEPTED;
    letter->id = id;
    ledger->accepted++;
}

void ledger_refused(struct ledger *ledger, size_t number)
{
    struct letter *letter = &ledger->letters[number];
    if (letter->fate != ASKED || letter->reached != 0)
        ledger_wrong(ledger, "letter %zu is refused, after fate %d", number, letter->fate);
    letter->fate = REFUSED;
}

void ledger_unknown(struct ledger *ledger, size_t number)
{
    if (ledger->letters[number].fate == ASKED)
        ledger->letters[number].fate = UNKNOWN;
}

void ledger_read(struct ledger *ledger, unsigned device, size_t number, uint64_t id, unsigned other, bool copy)
{
    unsigned reader = device_owner(device);
    uint8_t bit = (uint8_t)device_bit(device);
    if (number >= ledger->count)
        ledger_wrong(ledger, "device %u reads a letter that nobody wrote", device);
    struct letter *letter = &ledger->letters[number];
    uint64_t *last = &ledger->last_read[device][other];
    if (copy ? letter->from != reader || letter->to != other : letter->to != reader || letter->from != other)
        ledger_wrong(ledger, "device %u reads letter %zu, which is for %u", device, number, letter->to);
    if (letter->fate == REFUSED || (letter->fate == ACCEPTED && letter->id != id))
        ledger_wrong(ledger, "device %u reads letter %zu as %llu, of fate %d", device, number, (unsigned long long)id,
                     letter->fate);
    if (!copy && ledger_blocks(ledger, reader, other))
        ledger_wrong(ledger, "device %u reads letter %zu of %u, who is blocked", device, number, other);
    if (!copy && (letter->reached & bit) && !(letter->again_ok & bit))
        ledger_wrong(ledger, "device %u reads letter %zu twice", device, number);
    if (id <= *last && !(letter->again_ok & bit))
        ledger_wrong(ledger, "device %u reads letter %zu (%llu) after %llu", device, number, (unsigned long long)id,
                     (unsigned long long)*last);
    if (id > *last)
        *last = id;
    if (copy)
        return;
    if (letter->reached == 0)
        ledger->delivered++;
    letter->reached |= bit;
    letter->again_ok &= (uint8_t)~bit;
}

void ledger_settled(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->letters[i].fate == ACCEPTED && ledger->letters[i].reached == 0)
            ledger_wrong(ledger, "letter %zu (%llu) from %u to %u never arrived", i, (unsigned long long)ledger->letters[i].id,
                         ledger->letters[i].from, ledger->letters[i].to);
}

/* ---- blocks and presence ---- */

void ledger_block(struct ledger *ledger, unsigned who, unsigned whom, int state)
{
    ledger->blocks[who][whom].state = state;
    ledger->blocks[who][whom].since = *ledger->now;
    for (unsigned device = whom; device < DEVICES; device += PEOPLE)
        ledger->unsure_presence[device][who] = true;
}

bool ledger_blocks(const struct ledger *ledger, unsigned who, unsigned whom)
{
    const struct rule_of_block *block = &ledger->blocks[who][whom];
    return block->state == BLOCKED && *ledger->now > block->since + GRACE_MS;
}

bool ledger_unsure(const struct ledger *ledger, unsigned who, unsigned whom)
{
    const struct rule_of_block *block = &ledger->blocks[who][whom];
    return block->state == UNSURE || (block->since > 0 && *ledger->now <= block->since + GRACE_MS);
}

void ledger_broadcast(struct ledger *ledger, unsigned device, unsigned from)
{
    ledger->broadcasts++;
    if (ledger_blocks(ledger, device_owner(device), from))
        ledger_wrong(ledger, "device %u gets a broadcast of %u, who is blocked", device, from);
    if (device_owner(device) == from)
        ledger_wrong(ledger, "device %u gets its own broadcast", device);
}

void ledger_presence(struct ledger *ledger, unsigned device, unsigned who, bool online)
{
    ledger->presences++;
    if (ledger_blocks(ledger, who, device_owner(device)))
        ledger_wrong(ledger, "device %u is told of %u, who has blocked it", device, who);
    ledger->sees[device][who] = online;
}
