/* Any bytes as a settings file: a problem for every mistake, no crash; and what was taken can be shown. */
#include "faults.h"
#include "server/config.h"
#include "server/settings.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct buf problems, shown;
    buf_init(&problems, CONFIG_PROBLEMS_MAX);
    buf_init(&shown, CONFIG_PROBLEMS_MAX);
    config_init(&config, NULL);
    enum err err = config_read(&config, "fuzz", slice_of(data, size), &problems);
    if ((err == OK) != (buf_len(&problems) == 0) && !faults_happened())
        abort();
    (void)config_finish(&config, &problems);
    for (size_t i = 0; i < settings_count; i++)
        setting_show(&config, &settings[i], &shown);
    if (buf_len(&shown) == 0 && !faults_happened())
        abort();
    buf_free(&problems);
    buf_free(&shown);
    return 0;
}
