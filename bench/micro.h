/* micro.h - one operation of one layer, over and over. A row is its name, what makes it ready, and how to do it `count` times. */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

struct micro {
    const char *name;
    void (*set_up)(void);
    void (*run)(unsigned count);
};

/* Each ends with a row without a name. */
extern const struct micro micro_codec[], micro_directory[], micro_strand[], micro_tls[];

void demand(int ok, const char *what); /* ends the program if not */

#endif
