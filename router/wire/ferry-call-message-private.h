/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages of the call protocol, as bytes. docs/protocol.md describes them in prose.
 *
 * A message is one plain message of a pipe, in either direction. It consists of this header, name_length bytes of a
 * name, type_length bytes of a type string, padding to a multiple of 8, and the serialised value.
 *
 * Trust: parsed bytes are not trusted. Parsing checks all lengths and the type. The value is checked where it is made:
 *        see ferry_layout_is_checked(). */

#pragma once

#include <gio/gio.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-layout-private.h"

G_BEGIN_DECLS

typedef enum
{
  /* name: of the method; number: the deadline in monotonic microseconds, 0 for none */
  FERRY_CALL_REQUEST = 1,
  /* value: the result; the call is over. number: 0, or if PIECE messages came before, the size in bytes of the whole
   * result, of which this value is the last part */
  FERRY_CALL_ANSWER = 2,
  /* value: an error of FERRY_ERROR_VARIANT_TYPE; the call is over */
  FERRY_CALL_ERROR = 3,
  /* value: as for ERROR; the call is over. The request was not begun, and can be sent again */
  FERRY_CALL_REFUSE = 4,
  /* value: comes before the answer; name: the kind of item, empty for an item of the stream */
  FERRY_CALL_ITEM = 5,
  /* number: how many more items of the stream the asking end accepts */
  FERRY_CALL_WINDOW = 6,
  /* number: a FerryCancelReason. Over a link, a cancel goes by the express lane instead, if that has room */
  FERRY_CALL_CANCEL = 7,
  /* the next bytes of the value of an answer, without a type; number: the size in bytes of the whole value */
  FERRY_CALL_PIECE = 8,
} FerryCallKind;

typedef enum
{
  FERRY_CALL_ONE_WAY = 1 << 0, /* the asking end wants no answer, and none is sent */
  FERRY_CALL_STREAM = 1 << 1,  /* the asking end wants items; window: how many it accepts at first */
} FerryCallFlags;

/* The bits of a request's flags that calls use. The other bits are for the layers above. */
#define FERRY_CALL_OWN_FLAGS 0x7

typedef enum
{
  FERRY_CANCEL_REASON_CANCELLED = 1, /* the asking end cancelled the request */
  FERRY_CANCEL_REASON_DEADLINE = 2,
} FerryCancelReason;

typedef struct
{
  guint64 xid;
  gint64 number;
  guint8 kind;
  guint8 flags;
  guint16 name_length;
  guint16 type_length;
  guint16 window;
} FerryCallHeader;

G_STATIC_ASSERT (sizeof (FerryCallHeader) == 24);

/* The type of a value that is plain bytes. */
#define FERRY_CALL_BYTES_TYPE "ay"

#define FERRY_MAX_CALL_NAME 255

/* The longest type string of a value, in bytes. A value with a longer type string is sent inside a variant. */
#define FERRY_MAX_CALL_TYPE 1024

/* The size in bytes of each piece of an answer but the last, which is not larger, when the answer is sent in pieces. A
 * piece fits into one record, also with the longest type, and other messages may be sent between two pieces. */
#define FERRY_CALL_PIECE_SIZE (30 * 1024)

/* The most items that one WINDOW message adds, and the largest window. */
#define FERRY_MAX_WINDOW 1000000

/* A message as separate parts. The parts are borrowed. */
typedef struct
{
  FerryCallHeader header;
  const char *name;        /* (nullable): header.name_length bytes */
  const char *type_string; /* (nullable): header.type_length bytes */
  gconstpointer body;      /* (nullable): the serialised value */
  gsize body_size;
  gboolean is_checked; /* the type is one that ferry_layout_is_checked() */
  GBytes *whole; /* (nullable): the bytes of the whole message, if a value may keep a reference to them. The worker can
                    still change those of a trusted worker's buffer */
  FerryValueVerdict verdict; /* on the value in whole, or the values that are packed in it, where another thread has
                                checked them; the bytes do not change */
} FerryCallMessage;

#define FERRY_CALL_MAX_PARTS 5

/* A value that is an array of bytes. Borrowed. */
typedef struct
{
  gconstpointer data; /* not NULL, even if size is 0 */
  gsize size;
  GBytes *whole;             /* (nullable): bytes that contain data, and that may be kept */
  FerryValueVerdict verdict; /* (with whole): on the values that are packed in it, as in FerryCallMessage */
} FerryBody;

/* Checks that name (nullable; 1 to 255 bytes of UTF-8) and value (nullable) can be sent. Fails with
 * FERRY_ERROR_BAD_ARGUMENTS and FERRY_ERROR_TOO_LARGE. */
gboolean ferry_call_message_check (const char *name, GVariant *value, GError **error);
/* Makes data the value of the message, of type “ay”. Borrows data. */
void ferry_call_message_set_bytes (FerryCallMessage *self, gconstpointer data, gsize size);
/* Sets kind, xid, name and value; the caller sets flags, number and window. Borrows name and value, which
 * ferry_call_message_check() must have checked. */
void ferry_call_message_init (FerryCallMessage *self, FerryCallKind kind, guint64 xid, const char *name,
                              GVariant *value);
guint ferry_call_message_get_parts (const FerryCallMessage *self, FerryPart parts[FERRY_CALL_MAX_PARTS]);
/* Parses size bytes at data, of any alignment. Borrows data. Fails with FERRY_ERROR_PROTOCOL; the content of self is
 * then undefined. */
gboolean ferry_call_message_parse (FerryCallMessage *self, gconstpointer data, gsize size, GError **error);
/* Copies the header and the type out of bytes, which may change meanwhile, and may be no message. Returns where the
 * value begins, or 0 if there is none. */
gsize ferry_call_message_skim (gconstpointer data, gsize size, FerryCallHeader *header, char type[FERRY_MAX_CALL_TYPE]);
/* Turns the message of a whole answer into the piece that begins at offset. The last piece stays an ANSWER message. */
void ferry_call_message_cut (FerryCallMessage *self, gsize offset);
/* Returns (transfer full) (nullable) the value, not floating, or NULL if the message has none. The value holds a
 * reference to whole if whole is set, or else a copy of the bytes; a checked one holds a copy unless the verdict is
 * there. Fails with FERRY_ERROR_PROTOCOL for a value that breaks a rule. */
GVariant *ferry_call_message_dup_value (const FerryCallMessage *self, GError **error);
/* Returns (transfer full) the bytes of dup_value(), which the value of such a message may be made of later. */
GBytes *ferry_call_message_dup_checked (const FerryCallMessage *self, GError **error);
/* Whether bytes that are a message, perhaps, are one that ends the pieces of an answer. */
static inline gboolean
ferry_call_message_ends_pieces (gconstpointer data, gsize size)
{
  FerryCallHeader header;

  if (size < sizeof header)
    return FALSE;
  memcpy (&header, data, sizeof header);
  return header.kind == FERRY_CALL_ANSWER && header.number > 0;
}

gboolean ferry_call_message_is_bytes (const FerryCallMessage *self);
/* Returns the bytes of the value, of any type. */
FerryBody ferry_call_message_get_body (const FerryCallMessage *self);
/* Returns (transfer full) bytes of their own: a part of whole, or a copy. */
GBytes *ferry_body_dup_bytes (const FerryBody *self);
/* Returns (transfer full) pieces and this message's bytes. Takes pieces. */
GBytes *ferry_call_message_join_bytes (const FerryCallMessage *self, GByteArray *pieces);
/* Returns (transfer full) the value that consists of pieces and this message's bytes. Takes pieces. Fails as
 * ferry_call_message_dup_value(). */
GVariant *ferry_call_message_join_value (const FerryCallMessage *self, GByteArray *pieces, GError **error);

/* any: Keeps an empty value of the type of value for the life of the process. GLib makes its data about a container
 * type with the first value of the type, and frees it with the last value. Without this function, a short call makes
 * and frees that data for each request, which costs as much as the value itself. Of several types with one hash, only
 * the first is kept. */
void ferry_known_types_add (GVariant *value);

G_END_DECLS
