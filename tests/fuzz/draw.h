/*
 * draw.h - well-formed messages of the schema, drawn from a fuzzer's bytes: few bytes decide much, so that what the fuzzer
 * changes is what is said and not how it is written.
 *
 * One byte per field says whether it is there and which value it has, of those that a field of this name may well have; some
 * values are made of further bytes. An input that has ended goes on with zeros.
 */
#ifndef FUZZ_DRAW_H
#define FUZZ_DRAW_H

#include "base/buf.h"
#include <assert.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

enum { DRAW_VALUES = 8 };

struct draw {
    const uint8_t *at, *end;
    /* What a field may be, by its name and the message's ("SendMessage.to", or "to" in all). The last row has no field. */
    const struct draw_row {
        const char *field;
        struct slice values[DRAW_VALUES];
        uint64_t numbers[DRAW_VALUES];
        unsigned count;
    } * rows;
};

static uint8_t draw_byte(struct draw *draw)
{
    return draw->at < draw->end ? *draw->at++ : 0;
}

static uint64_t draw_number(struct draw *draw)
{
    static const uint64_t numbers[] = {0, 1, 2, 127, 128, 86400, UINT32_MAX, INT64_MAX, UINT64_MAX};
    uint8_t which = draw_byte(draw);
    return which < sizeof numbers / sizeof numbers[0] ? numbers[which] : which;
}

/* Bytes of the input itself, at most 255. */
static struct slice draw_bytes(struct draw *draw)
{
    size_t len = draw_byte(draw), left = (size_t)(draw->end - draw->at);
    struct slice bytes = slice_of(draw->at, len < left ? len : left);
    draw->at += bytes.len;
    return bytes;
}

static void put_number(struct buf *out, uint64_t number)
{
    uint8_t bytes[10];
    size_t len = 0;
    for (; number >= 128; number >>= 7)
        bytes[len++] = (uint8_t)(number | 128);
    bytes[len++] = (uint8_t)number;
    if (buf_append(out, bytes, len) != OK)
        abort();
}

static void put_bytes(struct buf *out, unsigned field, struct slice bytes)
{
    put_number(out, (uint64_t)field << 3 | 2);
    put_number(out, bytes.len);
    if (buf_append(out, bytes.data, bytes.len) != OK)
        abort();
}

static const struct draw_row *row_of(const struct draw *draw, const char *field)
{
    const struct draw_row *row = draw->rows;
    while (row->field != NULL && strcmp(row->field, field) != 0)
        row++;
    return row;
}

static void draw_message(struct draw *draw, const ProtobufCMessageDescriptor *type, struct buf *out);

static void draw_value(struct draw *draw, const ProtobufCFieldDescriptor *field, uint8_t which, struct buf *out)
{
    const struct draw_row *row = row_of(draw, field->name);
    bool known = row->count > 0 && which / 4 < 4 * row->count;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        struct buf inside;
        buf_init(&inside, 1 << 20);
        draw_message(draw, field->descriptor, &inside);
        put_bytes(out, field->id, buf_slice(&inside));
        buf_free(&inside);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_STRING) {
        put_bytes(out, field->id, known ? row->values[which / 4 % row->count] : draw_bytes(draw));
    } else {
        put_number(out, (uint64_t)field->id << 3);
        put_number(out, known ? row->numbers[which / 4 % row->count] : draw_number(draw));
    }
}

/* The fields of a message, without those of a oneof. */
static void draw_message(struct draw *draw, const ProtobufCMessageDescriptor *type, struct buf *out)
{
    for (unsigned i = 0; i < type->n_fields && draw->at < draw->end; i++) {
        uint8_t which = draw_byte(draw);
        unsigned count = which % 4 != 3;
        if (type->fields[i].label == PROTOBUF_C_LABEL_REPEATED)
            count = which % 4 == 2 ? 40 : which % 4;
        while (count-- > 0)
            draw_value(draw, &type->fields[i], which, out);
    }
}

/* A frame with a body drawn among those of its oneof, after its number, if frames of this type have one and it is not 0. Returns
 * the body's field. */
static unsigned draw_frame(struct draw *draw, const ProtobufCMessageDescriptor *type, uint64_t number, struct buf *out)
{
    unsigned first = type->fields[0].type == PROTOBUF_C_TYPE_UINT64;
    const ProtobufCFieldDescriptor *body = &type->fields[first + draw_byte(draw) % (type->n_fields - first)];
    if (first > 0 && number != 0) {
        put_number(out, (uint64_t)type->fields[0].id << 3);
        put_number(out, number);
    }
    draw_value(draw, body, body->type == PROTOBUF_C_TYPE_MESSAGE ? 0 : draw_byte(draw), out);
    return body->id;
}

#endif
