#include "faces.h"

extern const struct face_type line_face, plain_face, json_face;

const struct face_type *const face_types[] = {&line_face, &plain_face, &json_face};
const size_t face_type_count = sizeof face_types / sizeof face_types[0];

const struct face_type *face_type_default(bool terminal)
{
    for (size_t i = 0; i < face_type_count; i++)
        if (terminal || !face_types[i]->terminal)
            return face_types[i];
    return NULL;
}
