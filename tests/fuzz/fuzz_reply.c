/* fuzz_reply.c - any line as the administrator's server might answer: flat, in bounds, its values where they stand. */
#include "reply.h"
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply reply = {.count = 0};
    char *line = malloc(size + 1);
    assert(line != NULL);
    memcpy(line, data, size);
    line[size] = '\0';
    if (reply_read(line, &reply) == OK) {
        assert(reply.count <= REPLY_FIELDS);
        for (unsigned i = 0; i < reply.count; i++) {
            const char *name = reply.fields[i].name, *value = reply.fields[i].value;
            assert(name >= line && name + strlen(name) <= line + size && value >= line && value + strlen(value) <= line + size);
            assert(reply_get(&reply, name) != NULL);
        }
    }
    free(line);
    return 0;
}
