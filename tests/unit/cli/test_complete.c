#include "complete.h"
#include "text.h"
#include "unit.h"
#include <stdlib.h>

/* Everything Tab offers at the end of the line, separated by blanks. */
static void offers(const struct names *names, const char *line, const char *expected)
{
    struct buf all;
    const char *blank = strrchr(line, ' '), *word = blank ? blank + 1 : line;
    size_t from = 0;
    buf_init(&all, TEXT_CAP);
    for (char *one; (one = complete_next(names, line, (size_t)(word - line), word, &from)) != NULL; free(one))
        text_format(&all, "%s%s", buf_len(&all) ? " " : "", one);
    print_message("%s\n", line);
    assert_text(&all, expected);
    buf_free(&all);
}

static void commands_and_users_are_offered_where_they_belong(void **state)
{
    struct names names = {0};
    names_add(&names, "bob");
    names_add(&names, "alice");
    names_add(&names, "bea");
    names_add(&names, "bob");
    assert_int_equal(names.count, 3);
    offers(&names, "me", "message");
    offers(&names, "/who", "/whoelse /whoelsesince");
    offers(&names, " un", "unblock");
    offers(&names, "/pa", "/password");
    offers(&names, "/password b", "");
    offers(&names, "x", "");
    offers(&names, "message b", "bea bob");
    offers(&names, "/block ", "alice bea bob");
    offers(&names, "yes al", "alice");
    offers(&names, "y al", "alice");
    offers(&names, "message bob b", "");
    offers(&names, "broadcast b", "");
    offers(&names, "whoelsesince b", "");
    offers(&names, "nonsense b", "");
    offers(&names, "message z", "");
    names_free(&names);
}

static void names_stay_sorted_and_bounded(void **state)
{
    struct names names = {0};
    char name[16];
    for (unsigned i = 0; i < NAMES_MAX + 10; i++) {
        snprintf(name, sizeof name, "u%05u", (i * 7919) % (NAMES_MAX + 10));
        names_add(&names, name);
    }
    assert_int_equal(names.count, NAMES_MAX);
    for (size_t i = 1; i < names.count; i++)
        assert_true(strcmp(names.all[i - 1], names.all[i]) < 0);
    names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_and_users_are_offered_where_they_belong),
        cmocka_unit_test(names_stay_sorted_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
