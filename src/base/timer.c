#include "base/timer.h"
#include <assert.h>
#include <stdlib.h>

enum { FIRST_SIZE = 16 };
static const size_t FIRING = SIZE_MAX; /* place of a timer that is taken out of the heap, to be fired */

void timers_init(struct timers *timers)
{
    *timers = (struct timers){0};
}

void timers_free(struct timers *timers)
{
    free(timers->heap);
    timers_init(timers);
}

static int earlier(const struct timer *a, const struct timer *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void put(struct timers *timers, size_t place, struct timer *timer)
{
    timers->heap[place - 1] = timer;
    timer->place = place;
}

static void sift_up(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    for (; place > 1 && earlier(timer, timers->heap[place / 2 - 1]); place /= 2)
        put(timers, place, timers->heap[place / 2 - 1]);
    put(timers, place, timer);
}

static void sift_down(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    for (size_t child; (child = place * 2) <= timers->count; place = child) {
        if (child < timers->count && earlier(timers->heap[child], timers->heap[child - 1]))
            child++;
        if (!earlier(timers->heap[child - 1], timer))
            break;
        put(timers, place, timers->heap[child - 1]);
    }
    put(timers, place, timer);
}

static void leave_heap(struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    assert(place <= timers->count && timers->heap[place - 1] == timer);
    struct timer *last = timers->heap[--timers->count];
    timer->place = 0;
    if (last == timer)
        return;
    put(timers, place, last);
    sift_up(timers, last);
    sift_down(timers, last);
}

static void leave_firing(struct timer *timer)
{
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    timer->place = 0;
}

static enum err make_room(struct timers *timers)
{
    if (timers->count < timers->size)
        return OK;
    size_t size = timers->size ? timers->size * 2 : FIRST_SIZE;
    struct timer **heap = reallocarray(timers->heap, size, sizeof(struct timer *));
    if (heap == NULL)
        return ERR_MEMORY;
    timers->heap = heap;
    timers->size = size;
    return OK;
}

enum err timer_start(struct timers *timers, struct timer *timer, int64_t due)
{
    /* A slot of a running timer is reused, so a restart cannot fail; one about to fire has left its slot to those started since.
     */
    if (timer->place == 0 || timer->place == FIRING) {
        enum err err = make_room(timers);
        if (err != OK)
            return err;
    }
    timer_stop(timers, timer);
    timer->due = due;
    timer->order = timers->order++;
    timer->place = ++timers->count;
    sift_up(timers, timer);
    return OK;
}

void timer_stop(struct timers *timers, struct timer *timer)
{
    if (timer->place == FIRING)
        leave_firing(timer);
    else if (timer->place > timers->count)
        timer->place = 0; /* forgotten by timers_free */
    else if (timer->place != 0)
        leave_heap(timers, timer);
}

int64_t timers_next(const struct timers *timers)
{
    if (timers->firing != NULL)
        return timers->firing->due;
    return timers->count > 0 ? timers->heap[0]->due : -1;
}

void timers_run(struct timers *timers, int64_t now)
{
    /* All that are due are taken out first: what is started meanwhile, however early its due time, waits for the next call. */
    struct timer **link = &timers->firing;
    assert(*link == NULL);
    while (timers->count > 0 && timers->heap[0]->due <= now) {
        struct timer *timer = timers->heap[0];
        leave_heap(timers, timer);
        timer->place = FIRING;
        timer->next = NULL;
        timer->link = link;
        *link = timer;
        link = &timer->next;
    }
    while (timers->firing != NULL) {
        struct timer *timer = timers->firing;
        leave_firing(timer);
        timer->fire(timer);
    }
}
