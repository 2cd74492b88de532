/* positions.c - see positions.h. */
#include "positions.h"
#include <stdlib.h>

void positions_init(struct positions *positions, const uint64_t seed[2])
{
    *positions = (struct positions){0};
    map_init(&positions->map, seed);
}

void positions_free(struct positions *positions)
{
    while (positions->oldest != NULL) {
        struct position *position = positions->oldest;
        positions->oldest = position->newer;
        free(position);
    }
    map_free(&positions->map);
}

static void unlink_position(struct positions *positions, struct position *position)
{
    if (position->older != NULL)
        position->older->newer = position->newer;
    else
        positions->oldest = position->newer;
    if (position->newer != NULL)
        position->newer->older = position->older;
    else
        positions->newest = position->older;
}

static void link_newest(struct positions *positions, struct position *position)
{
    position->older = positions->newest;
    position->newer = NULL;
    if (positions->newest != NULL)
        positions->newest->newer = position;
    else
        positions->oldest = position;
    positions->newest = position;
}

static void make_due(struct positions *positions, struct position *position)
{
    if (position->due)
        return;
    position->due = true;
    position->next_due = NULL;
    if (positions->last_due != NULL)
        positions->last_due->next_due = position;
    else
        positions->first_due = position;
    positions->last_due = position;
}

const struct position *positions_take_due(struct positions *positions)
{
    struct position *position = positions->first_due;
    if (position == NULL)
        return NULL;
    positions->first_due = position->next_due;
    if (positions->first_due == NULL)
        positions->last_due = NULL;
    position->due = false;
    return position;
}

static void forget(struct positions *positions, struct position *position)
{
    unlink_position(positions, position);
    map_remove_u64(&positions->map, position->conversation);
    free(position);
}

/* Makes room for one more, from the oldest end; what is due is never forgotten, but moved out of the way. */
static void make_room(struct positions *positions)
{
    struct position *oldest = positions->oldest;
    bool full = map_count(&positions->map) >= POSITIONS_MOST;
    if (map_count(&positions->map) < POSITIONS_EASY || oldest == NULL)
        return;
    if (!oldest->due && (full || oldest->id <= positions->horizon)) {
        forget(positions, oldest);
    } else if (full) {
        unlink_position(positions, oldest);
        link_newest(positions, oldest);
    }
}

static enum err add(struct positions *positions, uint64_t conversation, uint64_t id)
{
    make_room(positions);
    if (map_count(&positions->map) >= POSITIONS_MOST)
        return ERR_MEMORY;
    struct position *position = calloc(1, sizeof *position);
    if (position == NULL)
        return ERR_MEMORY;
    position->conversation = conversation;
    position->id = id;
    enum err err = map_put_u64(&positions->map, conversation, position);
    if (err != OK) {
        free(position);
        return err;
    }
    link_newest(positions, position);
    make_due(positions, position);
    return OK;
}

enum err positions_note(struct positions *positions, uint64_t conversation, uint64_t id)
{
    struct position *position = map_get_u64(&positions->map, conversation);
    if (position == NULL)
        return add(positions, conversation, id);
    make_due(positions, position);
    if (id <= position->id)
        return ERR_EXISTS;
    position->id = id;
    unlink_position(positions, position);
    link_newest(positions, position);
    return OK;
}

void positions_caught_up(struct positions *positions, uint64_t horizon)
{
    positions->caught_up = true;
    if (horizon > positions->horizon)
        positions->horizon = horizon;
    struct position *newer;
    for (struct position *position = positions->oldest; position != NULL; position = newer) {
        newer = position->newer;
        if (map_count(&positions->map) <= POSITIONS_EASY)
            return;
        if (!position->due && position->id <= positions->horizon)
            forget(positions, position);
    }
}

size_t positions_since_horizon(const struct positions *positions, const struct position *out[], size_t most)
{
    size_t count = 0;
    for (const struct position *position = positions->newest; position != NULL && count < most; position = position->older) {
        if (position->id > positions->horizon)
            out[count++] = position;
    }
    return count;
}
