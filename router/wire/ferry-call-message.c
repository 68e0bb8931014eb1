/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes and parses the messages of the call protocol. Only ferry_call_message_dup_value() and
 * ferry_call_message_join_value() copy a value.
 *
 * Threads: any. Threads share only the table of ferry_known_types_add(), which has atomic entries.
 * Trust:   a parsed message is not trusted. Each kind has its rules in one row of a table. A part that the row does
 *          not allow must be absent or zero. */

#include "config.h"

#include "wire/ferry-call-message-private.h"

#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-remote-error-private.h"

typedef enum
{
  PART_NEVER,
  PART_MAYBE,
  PART_ALWAYS,
  PART_ERROR, /* always present, and of FERRY_ERROR_VARIANT_TYPE */
  PART_BYTES, /* at least one byte, without a type */
} PartRule;

typedef struct
{
  PartRule name;
  PartRule value;
  gint64 least; /* least and most: the range of the number */
  gint64 most;
} KindRules;

static const KindRules rules[] = {
  [FERRY_CALL_REQUEST] = {PART_ALWAYS, PART_MAYBE, 0, G_MAXINT64},
  [FERRY_CALL_ANSWER] = {PART_NEVER, PART_MAYBE, 0, G_MAXINT64},
  [FERRY_CALL_ERROR] = {PART_NEVER, PART_ERROR, 0, 0},
  [FERRY_CALL_REFUSE] = {PART_NEVER, PART_ERROR, 0, 0},
  [FERRY_CALL_ITEM] = {PART_MAYBE, PART_ALWAYS, 0, 0},
  [FERRY_CALL_WINDOW] = {PART_NEVER, PART_NEVER, 1, FERRY_MAX_WINDOW},
  [FERRY_CALL_CANCEL] = {PART_NEVER, PART_NEVER, FERRY_CANCEL_REASON_CANCELLED, FERRY_CANCEL_REASON_DEADLINE},
  [FERRY_CALL_PIECE] = {PART_NEVER, PART_BYTES, 1, G_MAXINT64},
};

gboolean
ferry_call_message_check (const char *name, GVariant *value, GError **error)
{
  gsize length = name != NULL ? strnlen (name, FERRY_MAX_CALL_NAME + 1) : 1;

  if (length < 1 || length > FERRY_MAX_CALL_NAME || (name != NULL && !ferry_layout_is_utf8 (name, length)))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "A name has %" G_GSIZE_FORMAT " bytes; use 1 to %d bytes of valid UTF-8", length,
                            FERRY_MAX_CALL_NAME);
  if (value != NULL && strlen (g_variant_get_type_string (value)) > FERRY_MAX_CALL_TYPE)
    return ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                            "A value's type string is longer than %d bytes; put the value into a variant",
                            FERRY_MAX_CALL_TYPE);
  return value == NULL || ferry_depth_check (value, error);
}

/* Returns the bytes of value. A malformed value of fixed size from another process has a size but no bytes. GLib
 * reads such a value as zeros, so it is sent as zeros. No type within the limit has more than 8 bytes of value for
 * each byte of its type string. */
static gconstpointer
get_body (GVariant *value)
{
  static const guint8 zeros[8 * FERRY_MAX_CALL_TYPE];
  gconstpointer data = g_variant_get_data (value);

  return data != NULL ? data : zeros;
}

void
ferry_call_message_set_bytes (FerryCallMessage *self, gconstpointer data, gsize size)
{
  self->type_string = FERRY_CALL_BYTES_TYPE;
  self->header.type_length = (guint16) strlen (self->type_string);
  self->body = data;
  self->body_size = size;
}

void
ferry_call_message_init (FerryCallMessage *self, FerryCallKind kind, guint64 xid, const char *name, GVariant *value)
{
  *self = (FerryCallMessage){.header = {.xid = xid, .kind = (guint8) kind}};
  if (name != NULL)
    {
      self->name = name;
      self->header.name_length = (guint16) strlen (name);
    }
  if (value != NULL)
    {
      self->type_string = g_variant_get_type_string (value);
      self->header.type_length = (guint16) strlen (self->type_string);
      self->body = get_body (value);
      self->body_size = g_variant_get_size (value);
    }
}

void
ferry_call_message_cut (FerryCallMessage *self, gsize offset)
{
  gsize left = self->body_size - offset;

  self->header.number = (gint64) self->body_size;
  self->body = (const guint8 *) self->body + offset;
  self->body_size = MIN (left, FERRY_CALL_PIECE_SIZE);
  if (left <= FERRY_CALL_PIECE_SIZE)
    return;
  self->header.kind = FERRY_CALL_PIECE;
  self->header.type_length = 0;
  self->type_string = NULL;
}

guint
ferry_call_message_get_parts (const FerryCallMessage *self, FerryPart parts[FERRY_CALL_MAX_PARTS])
{
  static const guint8 zeros[8];
  gsize head = sizeof self->header + self->header.name_length + self->header.type_length;
  const FerryPart all[FERRY_CALL_MAX_PARTS] = {
    {&self->header, sizeof self->header},
    {self->name, self->header.name_length},
    {self->type_string, self->header.type_length},
    {zeros, ferry_padding_of (head)},
    {self->body, self->body_size},
  };
  guint n_parts = 0;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      if (all[i].size > 0)
        parts[n_parts++] = all[i];
    }
  return n_parts;
}

static gboolean
fits (PartRule rule, gsize length)
{
  return rule == PART_MAYBE || (length > 0) == (rule == PART_ALWAYS || rule == PART_ERROR);
}

static const char *
find_header_fault (const FerryCallHeader *header)
{
  const guint8 all_flags = FERRY_CALL_ONE_WAY | FERRY_CALL_STREAM;
  const guint8 own_flags = header->flags & FERRY_CALL_OWN_FLAGS;
  const KindRules *rule;

  if (header->kind < FERRY_CALL_REQUEST || header->kind > FERRY_CALL_PIECE)
    return "an unknown kind";
  rule = &rules[header->kind];
  if (header->xid == 0)
    return "no number of a call";
  if (header->number < rule->least || header->number > rule->most)
    return "a number out of range";
  if ((own_flags & ~all_flags) != 0 || own_flags == all_flags)
    return "impossible flags";
  if (header->flags != 0 && header->kind != FERRY_CALL_REQUEST)
    return "flags, though it is no request";
  if (header->window != 0 && (header->flags & FERRY_CALL_STREAM) == 0)
    return "a window without a stream";
  if (header->name_length > FERRY_MAX_CALL_NAME || !fits (rule->name, header->name_length))
    return "a name of impossible length";
  if (header->type_length > FERRY_MAX_CALL_TYPE || !fits (rule->value, header->type_length))
    return "a type of impossible length";
  if (header->kind == FERRY_CALL_ANSWER && header->number != 0 && header->type_length == 0)
    return "the end of a value without a type";
  return NULL;
}

static gboolean
is_error_type (const FerryCallMessage *self)
{
  return self->header.type_length == strlen (FERRY_ERROR_VARIANT_TYPE) &&
         memcmp (self->type_string, FERRY_ERROR_VARIANT_TYPE, self->header.type_length) == 0;
}

/* The latest type string that a thread has found good. Most messages of a thread have one of few types. */
static _Thread_local struct
{
  guint16 length;
  gboolean is_checked;
  char string[30];
} latest_type;

static void
note_good_type (const FerryCallMessage *self)
{
  if (self->header.type_length > sizeof latest_type.string)
    return;
  memcpy (latest_type.string, self->type_string, self->header.type_length);
  latest_type.length = self->header.type_length;
  latest_type.is_checked = self->is_checked;
}

/* Returns the fault of the type, or NULL; then sets is_checked. */
static const char *
find_type_fault (FerryCallMessage *self)
{
  const gsize length = self->header.type_length;

  if (length == latest_type.length && memcmp (self->type_string, latest_type.string, length) == 0)
    {
      self->is_checked = latest_type.is_checked;
      return NULL;
    }
  switch (ferry_depth_judge_type (self->type_string, length))
    {
    case FERRY_TYPE_NOT_DEFINITE:
      return "a type that is no string of one definite type";
    case FERRY_TYPE_TOO_DEEP:
      return "a type of more than " G_STRINGIFY (FERRY_MAX_DEPTH) " levels";
    case FERRY_TYPE_GOOD:
    default:
      self->is_checked = ferry_layout_is_checked (self->type_string, length);
      note_good_type (self);
      return NULL;
    }
}

static const char *
find_fault (FerryCallMessage *self, const guint8 *data, gsize size)
{
  const char *fault;
  gsize head;

  if (size < sizeof self->header)
    return "less than a header";
  memcpy (&self->header, data, sizeof self->header);
  fault = find_header_fault (&self->header);
  if (fault != NULL)
    return fault;
  head = sizeof self->header + self->header.name_length + self->header.type_length;
  head += ferry_padding_of (head);
  if (size < head)
    return "less than its header says";
  if (rules[self->header.kind].value == PART_BYTES)
    {
      self->body = data + head;
      self->body_size = size - head;
      return size > head ? NULL : "no bytes in a piece";
    }
  if (self->header.type_length == 0 && size > head)
    return "bytes of a value without a type";

  self->name = self->header.name_length > 0 ? (const char *) data + sizeof self->header : NULL;
  if (self->name != NULL && !ferry_layout_is_utf8 (self->name, self->header.name_length))
    return "a name that is no UTF-8";
  if (self->header.type_length == 0)
    return NULL;
  self->type_string = (const char *) data + sizeof self->header + self->header.name_length;
  fault = find_type_fault (self);
  if (fault != NULL)
    return fault;
  if (rules[self->header.kind].value == PART_ERROR && !is_error_type (self))
    return "an error that is of another type";
  self->body = size > head ? data + head : NULL;
  self->body_size = size - head;
  return NULL;
}

gboolean
ferry_call_message_parse (FerryCallMessage *self, gconstpointer data, gsize size, GError **error)
{
  const char *fault;

  memset (self, 0, sizeof *self);
  fault = find_fault (self, data, size);
  return fault == NULL || ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                                           "A call's message of %" G_GSIZE_FORMAT
                                           " bytes has %s; use the same version of Ferry at both ends",
                                           size, fault);
}

gsize
ferry_call_message_skim (gconstpointer data, gsize size, FerryCallHeader *header, char type[FERRY_MAX_CALL_TYPE])
{
  gsize head = sizeof *header;

  if (size < head)
    return 0;
  memcpy (header, data, sizeof *header);
  if (find_header_fault (header) != NULL || header->type_length == 0)
    return 0;
  head += header->name_length + header->type_length;
  head += ferry_padding_of (head);
  if (size < head)
    return 0;
  memcpy (type, (const guint8 *) data + sizeof *header + header->name_length, header->type_length);
  return head;
}

/* The type string has no zero byte after it. GLib finds the end of a GVariantType by its letters. */
static GVariant *
new_value (const FerryCallMessage *self, GBytes *bytes)
{
  const GVariantType *type = (const GVariantType *) self->type_string;

  return g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, self->is_checked));
}

/* Checks the bytes of the value, which do not change any more. */
static gboolean
check_value (const FerryCallMessage *self, GBytes *bytes, FerryValueVerdict verdict, GError **error)
{
  const char *fault;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (self->is_checked && verdict == FERRY_VALUE_UNJUDGED)
    verdict = ferry_layout_judge (self->type_string, self->header.type_length, data, size);
  fault = ferry_value_verdict_to_fault (verdict);
  return fault == NULL ||
         ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "A message of call %" G_GUINT64_FORMAT " shows an error in the program at the other end: %s",
                          self->header.xid, fault);
}

gboolean
ferry_call_message_is_bytes (const FerryCallMessage *self)
{
  return self->header.type_length == strlen (FERRY_CALL_BYTES_TYPE) &&
         memcmp (self->type_string, FERRY_CALL_BYTES_TYPE, self->header.type_length) == 0;
}

FerryBody
ferry_call_message_get_body (const FerryCallMessage *self)
{
  if (self->body == NULL)
    return (FerryBody){.data = ""};
  return (FerryBody){self->body, self->body_size, self->whole, self->verdict};
}

GBytes *
ferry_body_dup_bytes (const FerryBody *self)
{
  if (self->whole == NULL)
    return g_bytes_new (self->data, self->size);
  return g_bytes_new_from_bytes (
    self->whole, (gsize) ((const guint8 *) self->data - (const guint8 *) g_bytes_get_data (self->whole, NULL)),
    self->size);
}

GBytes *
ferry_call_message_join_bytes (const FerryCallMessage *self, GByteArray *pieces)
{
  g_byte_array_append (pieces, self->body, (guint) self->body_size);
  return g_byte_array_free_to_bytes (pieces);
}

GBytes *
ferry_call_message_dup_checked (const FerryCallMessage *self, GError **error)
{
  const FerryBody body = ferry_call_message_get_body (self);
  const gboolean may_change = self->is_checked && self->verdict == FERRY_VALUE_UNJUDGED;
  g_autoptr (GBytes) bytes = may_change ? g_bytes_new (body.data, body.size) : ferry_body_dup_bytes (&body);

  return check_value (self, bytes, self->verdict, error) ? g_steal_pointer (&bytes) : NULL;
}

GVariant *
ferry_call_message_dup_value (const FerryCallMessage *self, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (self->type_string == NULL)
    return NULL;
  bytes = ferry_call_message_dup_checked (self, error);
  return bytes != NULL ? new_value (self, bytes) : NULL;
}

GVariant *
ferry_call_message_join_value (const FerryCallMessage *self, GByteArray *pieces, GError **error)
{
  g_autoptr (GBytes) bytes = ferry_call_message_join_bytes (self, pieces);

  return check_value (self, bytes, FERRY_VALUE_UNJUDGED, error) ? new_value (self, bytes) : NULL;
}

/* ---- known types ---- */

#define N_KNOWN_TYPES 64
/* The longest type string that is kept, in bytes. So the types of other processes use bounded memory. */
#define MAX_KNOWN_LENGTH 64

void
ferry_known_types_add (GVariant *value)
{
  /* The index is the hash of the type string. An entry is set once and never changes. */
  static _Atomic (GVariant *) known[N_KNOWN_TYPES];
  /* The string of the latest value: all values of a type share one as long as GLib keeps its data about the type. Where
   * that was dropped, and another type's string lies there now, that type is not added this time. */
  static _Thread_local const char *latest;
  const char *type_string = g_variant_get_type_string (value);
  _Atomic (GVariant *) *entry;
  GVariant *present = NULL;
  GVariant *empty;

  /* GLib always keeps its data about basic types. */
  if (type_string == latest || type_string[1] == '\0')
    return;
  latest = type_string;
  entry = &known[g_str_hash (type_string) % N_KNOWN_TYPES];
  /* Relaxed, here and below: no thread reads the value itself. */
  if (atomic_load_explicit (entry, memory_order_relaxed) != NULL || strlen (type_string) > MAX_KNOWN_LENGTH)
    return;
  empty = g_variant_ref_sink (g_variant_new_from_data ((const GVariantType *) type_string, NULL, 0, FALSE, NULL, NULL));
  if (!atomic_compare_exchange_strong_explicit (entry, &present, empty, memory_order_relaxed, memory_order_relaxed))
    g_variant_unref (empty);
}
