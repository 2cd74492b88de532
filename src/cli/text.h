/*
 * text.h - building output in a buf, for a program that cannot go on without memory.
 *
 * These never fail: out of memory (or beyond TEXT_CAP, which nothing that the protocol allows comes near) they say so on standard
 * error and exit with EXIT_UNREACHABLE; the guard of terminal.h puts the terminal right.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include "base/buf.h"

enum { TEXT_CAP = 256 * 1024 * 1024 };

void text_add(struct buf *out, const char *text);
void text_bytes(struct buf *out, struct slice bytes);
void text_format(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes it to standard output, unflushed. */
void text_print(const struct buf *text);

/* What somebody else wrote, made safe to print; tab and newline stay. */
void text_safe(struct buf *out, struct slice text);
/* The same on one line: a newline becomes the two characters "\n", a tab a blank. For names and sentences. */
void text_safe_line(struct buf *out, struct slice text);

/* A line that may be a fingerprint behind blanks; one that is too long for a terminal's line is halved, and `indent` put before
 * its second half. Safe and on one line otherwise. */
void text_fingerprint(struct buf *out, const char *indent, struct slice line);

/* Ends the program, out of memory, unless `err` is OK. */
void text_must(enum err err);
/* The same for what malloc gave: `memory`, never NULL. */
void *text_memory(void *memory) __attribute__((returns_nonnull));

#endif
