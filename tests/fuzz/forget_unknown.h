/*
 * forget_unknown.h - drops the unknown fields of a decoded message and of those inside it.
 *
 * The decoder keeps them, even one numbered 0, which it then writes in a form that it does not read. Nothing in earshot writes a
 * decoded message again, so the fuzz targets that do leave them out.
 */
#ifndef FUZZ_FORGET_UNKNOWN_H
#define FUZZ_FORGET_UNKNOWN_H

#include <protobuf-c/protobuf-c.h>

static inline void forget_unknown(ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    const char *base = (const char *)message;
    message->n_unknown_fields = 0;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (field->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t count = *(const size_t *)(base + field->quantifier_offset);
            for (size_t j = 0; j < count; j++)
                forget_unknown((*(ProtobufCMessage *const *const *)(base + field->offset))[j]);
        } else if (*(const uint32_t *)(base + field->quantifier_offset) == field->id) {
            forget_unknown(*(ProtobufCMessage *const *)(base + field->offset));
        }
    }
}

#endif
