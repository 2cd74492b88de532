/*
 * streams.h - sees to it that a program has standard input, output and error.
 *
 * Whoever started it may have closed them. Then the next files and sockets that it opens become them: what it has to say would be
 * written into its lock file, and what comes from a peer would be read as a person's commands.
 */
#ifndef BASE_STREAMS_H
#define BASE_STREAMS_H

/* First in main. Those that are closed become /dev/null: nothing to read, and nobody who reads. */
void streams_open(void);

#endif
