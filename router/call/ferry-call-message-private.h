/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The messages of the transaction protocol, as bytes: docs/protocol.md has the same in prose.
 *
 * A message is one plain message of a pipe, in either direction. It has this header, name_length bytes of a name,
 * type_length bytes of a type string, padding to a multiple of 8, and the serialised value.
 *
 * Trust: none. Parsing checks all lengths, and a value is untrusted like any GVariant of another process. */

#pragma once

#include <gio/gio.h>

#include "link/ferry-link-private.h"

G_BEGIN_DECLS

typedef enum
{
  FERRY_CALL_REQUEST = 1, /* name: of the method; number: deadline in monotonic microseconds, 0 for none */
  FERRY_CALL_ANSWER = 2,  /* the value is the result. With a number it is the end of the result, after its pieces, and
                             the number is the size of all of it. The transaction is over */
  FERRY_CALL_ERROR = 3,   /* the value is an error of FERRY_ERROR_VARIANT_TYPE; the transaction is over */
  FERRY_CALL_REFUSE = 4,  /* as ERROR; in addition the request was not begun, and can be sent again */
  FERRY_CALL_ITEM = 5,    /* a value before the answer; name: of its type, empty for an item of the stream */
  FERRY_CALL_WINDOW = 6,  /* number: how many further items of the stream the asking end takes */
  FERRY_CALL_CANCEL = 7,  /* number: a FerryCancelReason. On a link it goes by the express lane instead */
  FERRY_CALL_PIECE = 8,   /* the next bytes of an answer's value, without a type; number: the size of all of it */
} FerryCallKind;

typedef enum
{
  FERRY_CALL_ONE_WAY = 1 << 0, /* no answer is wanted, and none is sent */
  FERRY_CALL_STREAM = 1 << 1,  /* items are wanted, window of them at first */
} FerryCallFlags;

/* The other bits of a request's flags belong to the layer above. */
#define FERRY_CALL_OWN_FLAGS 0xf

typedef enum
{
  FERRY_CANCEL_REASON_CANCELLED = 1, /* by the asking end */
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

#define FERRY_MAX_CALL_NAME 255

/* Longest type string of a value. A longer one travels inside a "v". */
#define FERRY_MAX_CALL_TYPE 1024

/* Where an answer goes in pieces, each but the last has so many bytes. A piece fits into a record, and other messages
 * may follow each piece. */
#define FERRY_CALL_PIECE_SIZE (32 * 1024 - 256)

/* The most that a WINDOW adds, and the largest window. */
#define FERRY_MAX_WINDOW 1000000

/* A message in parts, which borrows their memory. */
typedef struct
{
  FerryCallHeader header;
  const char *name;        /* (nullable): header.name_length bytes */
  const char *type_string; /* (nullable): header.type_length bytes */
  gconstpointer body;      /* (nullable): the serialised value */
  gsize body_size;
  GBytes *whole;          /* (nullable): the message, where its memory can be kept */
  const int *descriptors; /* (nullable): they go beside the message; only some transports take them */
  guint n_descriptors;
} FerryCallMessage;

#define FERRY_CALL_MAX_PARTS 5

/* Whether name (1 to 255 bytes of UTF-8) and value (nullable) can be sent: FERRY_ERROR_BAD_ARGUMENTS,
 * FERRY_ERROR_TOO_LARGE. */
gboolean ferry_call_message_check (const char *name, GVariant *value, GError **error);
/* Makes data, which it borrows, the value, of type “ay”. */
void ferry_call_message_set_bytes (FerryCallMessage *self, gconstpointer data, gsize size);
/* Borrows name and value, which are checked already. The caller fills in flags, number and window. */
void ferry_call_message_init (FerryCallMessage *self, FerryCallKind kind, guint64 xid, const char *name,
                              GVariant *value);
guint ferry_call_message_get_parts (const FerryCallMessage *self, FerryPart parts[FERRY_CALL_MAX_PARTS]);
/* Borrows data, of any alignment. Fails with FERRY_ERROR_PROTOCOL, and leaves self undefined then. */
gboolean ferry_call_message_parse (FerryCallMessage *self, gconstpointer data, gsize size, GError **error);
/* Turns an answer's message into the piece of it that begins at offset. The last piece stays an answer. */
void ferry_call_message_cut (FerryCallMessage *self, gsize offset);
/* Returns the value, no floating reference, or NULL where there is none. It keeps whole, or has a copy of its bytes. */
GVariant *ferry_call_message_dup_value (const FerryCallMessage *self);
/* The same, with the bytes of the pieces before. Takes those. Fails with FERRY_ERROR_PROTOCOL where the value has too
 * many levels. */
GVariant *ferry_call_message_join_value (const FerryCallMessage *self, GByteArray *pieces, GError **error);

/* any: keeps an empty value of this value's type, the first of those whose types share a hash. GLib makes the data of a
 * container's type with its first value, and frees it with the last. For short transactions that is done with each
 * request, and costs as much as the value itself. */
void ferry_known_types_add (GVariant *value);

G_END_DECLS
