/* faces.h - the table of faces. The first that fits where it runs is the default; --NAME chooses one. */
#ifndef CLI_FACES_H
#define CLI_FACES_H

#include "face.h"

extern const struct face_type *const face_types[];
extern const size_t face_type_count;

/* The one to use if none was asked for. */
const struct face_type *face_type_default(bool terminal);

#endif
