/*
 * hide.h - keeps passwords and keys in this process's memory from being written to disk or read by other programs of the same
 * user: no core dumps, no tracing. Builds with instruments (EARSHOT_INSTRUMENTED) trace themselves, and are only not dumped.
 */
#ifndef BASE_HIDE_H
#define BASE_HIDE_H

/* Early in main; it cannot be undone. What the system does not let us do is left. */
void hide_memory(void);

#endif
