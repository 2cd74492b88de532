/* visibility.c - see visibility.h. */
#include "visibility.h"

/*
 * A block has one direction: who blocks is hidden from and unreachable for the blocked, who for their part stay visible and
 * reachable, as they were.
 */
static const struct {
    bool unless_subject_blocks; /* the subject blocks the actor */
    bool unless_actor_blocks;   /* the actor blocks the subject */
} rules[ACT_COUNT] = {
    [ACT_MESSAGE] = {true, false},  [ACT_BROADCAST] = {true, false}, [ACT_PRIVATE] = {true, false},
    [ACT_PRESENCE] = {true, false}, [ACT_WHOELSE] = {true, false},   [ACT_WHOELSESINCE] = {true, false},
};

bool may_see(struct user *actor, struct user *subject, enum act act)
{
    if (rules[act].unless_subject_blocks && user_blocks(subject, actor))
        return false;
    return !(rules[act].unless_actor_blocks && user_blocks(actor, subject));
}
