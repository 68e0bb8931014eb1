/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Messages and progress of the hostile server, by what its orders say of them, and unchecked. */

#include "config.h"

#include "workers/hostile-forgery.h"

#include <stdlib.h>
#include <string.h>

#include "wire/ferry-progress-private.h"
#include "wire/ferry-remote-error-private.h"

static guint64 counter; /* of messages */

void
check (gboolean success, const char *what)
{
  if (success)
    return;
  g_printerr ("hostile-server: %s\n", what);
  _exit (2);
}

guint64
read_number (const char *text)
{
  guint64 number = (guint64) g_ascii_strtoll (text[0] == '+' ? text + 1 : text, NULL, 10);

  if (number == G_MAXINT64)
    number = g_ascii_strtoull (text, NULL, 10);
  return number;
}

guint64
read_xid (const char *text)
{
  return text[0] == '+' || text[0] == '-' ? current + read_number (text) : read_number (text);
}

/* ---- messages ---- */

static void
send_bytes (gconstpointer data, gsize size)
{
  /* What comes after the link has ended goes nowhere. */
  ferry_sender_send_bytes (calls, data, size, NULL);
  counter++;
}

typedef struct
{
  FerryCallHeader header;
  char *name;
  char *type;
  char *text;
  gsize body;
  gsize cut;
  gint64 name_length;
  gint64 type_length;
} Forgery;

static void
set_key (Forgery *self, const char *key, const char *value)
{
  guint64 number = read_number (value);

  if (strcmp (key, "xid") == 0)
    self->header.xid = read_xid (value);
  else if (strcmp (key, "kind") == 0)
    self->header.kind = (guint8) number;
  else if (strcmp (key, "number") == 0)
    self->header.number = (gint64) number;
  else if (strcmp (key, "flags") == 0)
    self->header.flags = (guint8) number;
  else if (strcmp (key, "window") == 0)
    self->header.window = (guint16) number;
  else if (strcmp (key, "name") == 0)
    self->name = g_strcompress (value);
  else if (strcmp (key, "type") == 0)
    self->type = g_strdup (value);
  else if (strcmp (key, "text") == 0)
    self->text = g_strdup (value);
  else if (strcmp (key, "body") == 0)
    self->body = number;
  else if (strcmp (key, "cut") == 0)
    self->cut = number;
  else if (strcmp (key, "name-length") == 0)
    self->name_length = (gint64) number;
  else if (strcmp (key, "type-length") == 0)
    self->type_length = (gint64) number;
  else
    check (FALSE, key);
}

/* Calls set for each KEY=VALUE of text, in which # was replaced. */
static void
for_each_key (const char *text, void (*set) (gpointer data, const char *key, const char *value), gpointer data)
{
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, counter);
  g_auto (GStrv) pieces = g_strsplit (text, "#", -1);
  g_autofree char *numbered = g_strjoinv (number, pieces);
  g_auto (GStrv) pairs = g_strsplit (numbered, ",", -1);

  for (char **pair = pairs; *pair != NULL; pair++)
    {
      char *sign = strchr (*pair, '=');

      check (sign != NULL, *pair);
      *sign = '\0';
      set (data, *pair, sign + 1);
    }
}

static void
set_forgery_key (gpointer data, const char *key, const char *value)
{
  set_key (data, key, value);
}

static void
send_forgery (const char *text)
{
  Forgery forgery = {.header = {.xid = current, .kind = FERRY_CALL_ANSWER}, .name_length = -1, .type_length = -1};
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  static const guint8 zeros[8];

  for_each_key (text, set_forgery_key, &forgery);
  forgery.header.name_length = forgery.name != NULL ? (guint16) strlen (forgery.name) : 0;
  forgery.header.type_length = forgery.type != NULL ? (guint16) strlen (forgery.type) : 0;
  g_byte_array_append (bytes, (const guint8 *) &forgery.header, sizeof forgery.header);
  g_byte_array_append (bytes, (const guint8 *) forgery.name, forgery.header.name_length);
  g_byte_array_append (bytes, (const guint8 *) forgery.type, forgery.header.type_length);
  g_byte_array_append (bytes, zeros, -bytes->len & 7);
  if (forgery.text != NULL)
    g_byte_array_append (bytes, (const guint8 *) forgery.text, (guint) strlen (forgery.text) + 1);
  for (gsize i = 0; i < forgery.body; i++)
    g_byte_array_append (bytes, zeros, 1);
  if (forgery.name_length >= 0)
    forgery.header.name_length = (guint16) forgery.name_length;
  if (forgery.type_length >= 0)
    forgery.header.type_length = (guint16) forgery.type_length;
  memcpy (bytes->data, &forgery.header, sizeof forgery.header);
  send_bytes (bytes->data, bytes->len - forgery.cut);
  g_free (forgery.name);
  g_free (forgery.type);
  g_free (forgery.text);
}

void
send_message (FerryCallKind kind, guint64 xid, const char *name, GVariant *value)
{
  g_autoptr (GVariant) sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  FerryCallMessage message;
  FerryPart parts[FERRY_CALL_MAX_PARTS];
  guint n_parts;

  ferry_call_message_init (&message, kind, xid, name, sunk);
  n_parts = ferry_call_message_get_parts (&message, parts);
  ferry_sender_send_parts (calls, parts, n_parts, -1, NULL);
  counter++;
}

typedef struct
{
  FerryCallKind kind;
  char *domain;
  int code;
  gsize message;
  gsize trace;
  gsize notes;
  gsize note;
} ForgedError;

static void
set_error_key (gpointer data, const char *key, const char *value)
{
  ForgedError *self = data;
  guint64 number = read_number (value);

  if (strcmp (key, "kind") == 0)
    self->kind = (FerryCallKind) number;
  else if (strcmp (key, "domain") == 0)
    self->domain = g_strdup (value);
  else if (strcmp (key, "code") == 0)
    self->code = (int) number;
  else if (strcmp (key, "message") == 0)
    self->message = number;
  else if (strcmp (key, "trace") == 0)
    self->trace = number;
  else if (strcmp (key, "notes") == 0)
    self->notes = number;
  else if (strcmp (key, "note") == 0)
    self->note = number;
  else
    check (FALSE, key);
}

void
send_error (const char *text)
{
  ForgedError error = {.kind = FERRY_CALL_ERROR};
  g_autofree char *message = NULL;
  g_autofree char *trace = NULL;
  g_autofree char *note = NULL;
  GVariantBuilder notes;

  for_each_key (text, set_error_key, &error);
  message = g_strnfill (error.message, 'm');
  trace = g_strnfill (error.trace, 't');
  note = g_strnfill (error.note, 'n');
  g_variant_builder_init (&notes, G_VARIANT_TYPE_STRING_ARRAY);
  for (gsize i = 0; i < error.notes; i++)
    g_variant_builder_add (&notes, "s", note);
  send_message (error.kind, current, NULL,
                g_variant_new (FERRY_ERROR_VARIANT_TYPE, error.domain != NULL ? error.domain : "", error.code, message,
                               trace, &notes));
  g_free (error.domain);
}

static void
send_large (gsize size)
{
  guint8 *data = g_malloc0 (size);

  send_message (FERRY_CALL_ANSWER, current, NULL,
                g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data));
}

static void
send_deep (gsize n)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  FerryCallHeader header = {.xid = current, .kind = FERRY_CALL_ANSWER, .type_length = 1};

  g_byte_array_append (bytes, (const guint8 *) &header, sizeof header);
  g_byte_array_append (bytes, (const guint8 *) "v\0\0\0\0\0\0\0\1\0y", 11);
  for (gsize i = 0; i < n; i++)
    g_byte_array_append (bytes, (const guint8 *) "\0v", 2);
  send_bytes (bytes->data, bytes->len);
}

static void
send_requests (guint64 n)
{
  g_autofree guint8 *zeros = g_malloc0 (1024 * 1024);

  for (guint64 xid = 1; xid <= n; xid++)
    send_message (
      FERRY_CALL_REQUEST, xid, "ask",
      g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, zeros, xid < 10000 ? 1 : 1024 * 1024, TRUE, NULL, NULL));
}

static void
send_fill (gsize size, gboolean random)
{
  g_autofree guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = random ? (guint8) g_random_int () : 0xa5;
  send_bytes (data, size);
}

/* ---- progress ---- */

typedef struct
{
  FerryProgressHeader header;
  char *text;
  gint64 size;
  gint64 unit_length;
  gint64 text_length;
} ForgedProgress;

static void
set_progress_key (gpointer data, const char *key, const char *value)
{
  ForgedProgress *self = data;
  guint64 number = read_number (value);

  if (strcmp (key, "xid") == 0)
    self->header.xid = read_xid (value);
  else if (strcmp (key, "fraction") == 0)
    self->header.fraction = g_ascii_strtod (value, NULL);
  else if (strcmp (key, "amount") == 0)
    self->header.amount = number;
  else if (strcmp (key, "total") == 0)
    self->header.total = number;
  else if (strcmp (key, "text") == 0)
    self->text = g_strcompress (value);
  else if (strcmp (key, "size") == 0)
    self->size = (gint64) number;
  else if (strcmp (key, "unit-length") == 0)
    self->unit_length = (gint64) number;
  else if (strcmp (key, "text-length") == 0)
    self->text_length = (gint64) number;
  else
    check (FALSE, key);
}

static void
send_progress (const char *text)
{
  ForgedProgress forged = {.header = {.xid = current}, .size = -1, .unit_length = -1, .text_length = -1};
  guint8 bytes[4000] = {0};
  gsize length;

  for_each_key (text, set_progress_key, &forged);
  length = forged.text != NULL ? strlen (forged.text) : 0;
  forged.header.text_length = (guint16) (forged.text_length >= 0 ? (gsize) forged.text_length : length);
  forged.header.unit_length = (guint16) (forged.unit_length >= 0 ? forged.unit_length : 0);
  memcpy (bytes, &forged.header, sizeof forged.header);
  if (forged.text != NULL)
    memcpy (bytes + sizeof forged.header, forged.text, length);
  ferry_sender_send_bytes (progress, bytes, forged.size >= 0 ? (gsize) forged.size : sizeof forged.header + length,
                           NULL);
  g_free (forged.text);
  counter++;
}

gboolean
obey_message (const char *order, const char *value, guint64 n)
{
  if (g_str_has_prefix (order, "m:"))
    send_forgery (value);
  else if (g_str_has_prefix (order, "raw:"))
    send_fill (n, FALSE);
  else if (g_str_has_prefix (order, "random:"))
    send_fill (n, TRUE);
  else if (g_str_has_prefix (order, "error:"))
    send_error (value);
  else if (g_str_has_prefix (order, "large:"))
    send_large (n);
  else if (g_str_has_prefix (order, "deep:"))
    send_deep (n);
  else if (g_str_has_prefix (order, "request-storm:"))
    send_requests (n);
  else if (g_str_has_prefix (order, "p:"))
    send_progress (value);
  else
    return FALSE;
  return TRUE;
}
