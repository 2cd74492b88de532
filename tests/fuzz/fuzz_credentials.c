/* Any bytes as a credentials file: it ends, lines only rise, and what is good keeps the rules of names and passwords. */
#include "server/credentials.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credentials cursor = {.text = slice_of(data, size)};
    struct credential credential;
    struct name again;
    const char *why = NULL;
    unsigned line = 0;
    enum err err;
    while ((err = credentials_next(&cursor, &credential, &why)) != ERR_NOT_FOUND) {
        if (cursor.line <= line || cursor.line > size + 1)
            abort();
        line = cursor.line;
        if (err == ERR_INVALID && why != NULL)
            continue;
        if (err != OK || name_parse(name_slice(&credential.name), &again) != OK || password_check(credential.password) != OK)
            abort();
    }
    return 0;
}
