/*
 * ring.h - a list whose members know their place, so that any of them can be taken out at once.
 *
 * The list and its members are rings of one kind; a member is embedded in what is listed, and alone while it is in no list.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>

struct ring {
    struct ring *next, *before;
};

/* An empty list, or a member of none. */
static inline void ring_init(struct ring *ring)
{
    ring->next = ring->before = ring;
}

static inline bool ring_is_alone(const struct ring *ring)
{
    return ring->next == ring;
}

/* Nothing if it is in no list. */
static inline void ring_remove(struct ring *member)
{
    member->before->next = member->next;
    member->next->before = member->before;
    ring_init(member);
}

/* At the end, out of any other list. */
static inline void ring_add(struct ring *list, struct ring *member)
{
    ring_remove(member);
    member->before = list->before;
    member->next = list;
    list->before->next = member;
    list->before = member;
}

#endif
