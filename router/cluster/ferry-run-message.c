/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of what an application and a host say to each other. See ferry-run-message-private.h.
 *
 * A value that came over a transport may not be in normal form. GLib then reads the parts that are broken as the
 * defaults of their types, so each part is valid, and is checked like any other. */

#include "config.h"

#include "cluster/ferry-run-message-private.h"

#include <math.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-depth-private.h"

#define FACTS_TYPE "(ussasusb)"
#define SERVE_TYPE "(us)"
#define PROGRESS_TYPE "(dttss)"
#define LOG_LEVELS (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_WARNING | G_LOG_LEVEL_DEBUG)

/* What a request for a run begins with. The name, the function, the type of the arguments and their bytes follow, the
 * bytes at a multiple of 8. Numbers have the byte order of the machines, as all serialised values have: a session does
 * not join two machines that differ in that. */
typedef struct
{
  guint64 id;
  gint64 run_timeout;
  gint64 deadline_left;
  gint64 cancel_grace;
  guint32 attempt;
  guint16 kind;
  guint16 flags;
  guint32 type_length; /* 0: there are no arguments */
  guint16 name_length;
  guint16 function_length;
} RunHeader;

G_STATIC_ASSERT (sizeof (RunHeader) == 48);

#define RUN_IS_IDEMPOTENT 1u
#define RUN_IS_STOPPABLE 2u
#define RUN_LEAVE_SHIFT 8 /* what is above these bits is leave_ahead */

static gboolean
refuse (GError **error, const char *what)
{
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "The other end sent %s; use versions of Ferry that fit together, at both ends", what);
}

/* what: for the error. */
static gboolean
check_type (GVariant *value, const char *type, const char *what, GError **error)
{
  return (value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE (type))) || refuse (error, what);
}

/* Returns (transfer full) the first bytes of text, at most limit, without cutting a character in two. */
static char *
dup_cut (const char *text, gsize limit)
{
  gsize length = strlen (text);

  if (length <= limit)
    return g_strdup (text);
  /* Beyond the limit there is at least one byte, so that a character which ends at the limit is found whole. */
  return g_strndup (text, (gsize) (g_utf8_find_prev_char (text, text + limit + 1) - text));
}

/* Returns (transfer full) the first bytes of text, with U+FFFD in place of bytes that are no UTF-8. What takes a name
 * may be sure that it is text. What gives one may have any bytes, such as a file's name. */
static char *
dup_valid_cut (const char *text, gsize limit)
{
  g_autofree char *valid = g_utf8_validate (text, -1, NULL) ? NULL : g_utf8_make_valid (text, -1);

  return dup_cut (valid != NULL ? valid : text, limit);
}

gboolean
ferry_token_is_valid (const char *text)
{
  gsize length = strlen (text);

  return length > 0 && length <= FERRY_MAX_TOKEN &&
         strspn (text, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-") == length;
}

char *
ferry_run_dup_task_id (const char *application, guint64 id)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT, application, id);
}

gboolean
ferry_run_check_version (guint version, const char *other, GError **error)
{
  if (version == FERRY_RUN_VERSION)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_VERSION,
                          "%s speaks version %u of the protocol for tasks, and this program version %u; use versions "
                          "of Ferry that fit together, at both ends",
                          other, version, FERRY_RUN_VERSION);
}

/* ---- facts of a host ---- */

void
ferry_host_facts_clear (FerryHostFacts *self)
{
  g_free (self->name);
  g_free (self->instance);
  g_strfreev (self->functions);
  g_free (self->ferry_version);
  *self = (FerryHostFacts){0};
}

GVariant *
ferry_host_facts_to_variant (const FerryHostFacts *self)
{
  return g_variant_new ("(uss^asusb)", self->version, self->name, self->instance, self->functions, self->n_workers,
                        self->ferry_version, self->draining);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Sorts the names, and removes those that come twice. Fails if one cannot be the name of a function. */
static gboolean
tidy_functions (char **names, GError **error)
{
  guint n = g_strv_length (names);
  guint kept = 0;

  qsort (names, n, sizeof names[0], compare);
  for (guint i = 0; i < n; i++)
    {
      gsize length = strlen (names[i]);

      if (length == 0 || length > FERRY_MAX_CALL_NAME)
        return refuse (error, "a function's name that is empty or too long");
    }
  for (guint i = 0; i < n; i++)
    if (kept > 0 && strcmp (names[kept - 1], names[i]) == 0)
      g_clear_pointer (&names[i], g_free);
    else
      {
        char *name = g_steal_pointer (&names[i]);

        names[kept++] = name;
      }
  return TRUE;
}

static gboolean
check_facts (FerryHostFacts *self, GError **error)
{
  if (!ferry_token_is_valid (self->name) || !ferry_token_is_valid (self->instance))
    return refuse (error, "facts of a host with an invalid name");
  if (self->n_workers == 0 || self->n_workers > FERRY_MAX_HOST_WORKERS)
    return refuse (error, "facts of a host with no workers, or too many");
  if (strlen (self->ferry_version) > FERRY_MAX_TOKEN)
    return refuse (error, "facts of a host with an invalid version");
  return tidy_functions (self->functions, error);
}

gboolean
ferry_host_facts_from_variant (FerryHostFacts *self, GVariant *value, GError **error)
{
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GVariant) functions = NULL;

  if (!check_type (value, FACTS_TYPE, "facts of a host of a wrong type", error))
    return FALSE;
  functions = g_variant_get_child_value (value, 3);
  if (g_variant_n_children (functions) > FERRY_MAX_HOST_FUNCTIONS)
    return refuse (error, "facts of a host with too many functions");
  g_variant_get (value, "(uss^asusb)", &facts.version, &facts.name, &facts.instance, &facts.functions, &facts.n_workers,
                 &facts.ferry_version, &facts.draining);
  if (!check_facts (&facts, error))
    return FALSE;
  *self = facts;
  facts = (FerryHostFacts){0};
  return TRUE;
}

/* ---- serve ---- */

GVariant *
ferry_serve_to_variant (const char *application)
{
  return g_variant_new (SERVE_TYPE, FERRY_RUN_VERSION, application);
}

gboolean
ferry_serve_from_variant (GVariant *value, char **application, GError **error)
{
  const char *name;
  guint version;

  if (!check_type (value, SERVE_TYPE, "a greeting of a wrong type", error))
    return FALSE;
  g_variant_get (value, "(u&s)", &version, &name);
  if (!ferry_run_check_version (version, "The application", error))
    return FALSE;
  if (!ferry_token_is_valid (name))
    return refuse (error, "a greeting with an invalid name of an application");
  *application = g_strdup (name);
  return TRUE;
}

/* ---- run ---- */

void
ferry_run_request_clear (FerryRunRequest *self)
{
  g_free (self->name);
  g_free (self->function);
  g_clear_pointer (&self->arguments, g_variant_unref);
  *self = (FerryRunRequest){0};
}

static guint8 *
put (guint8 *at, gconstpointer data, gsize size)
{
  if (size > 0)
    memcpy (at, data, size);
  return at + size;
}

GVariant *
ferry_run_request_to_variant (const FerryRunRequest *self)
{
  g_autofree char *name = dup_valid_cut (self->name, FERRY_MAX_RUN_NAME);
  const char *type = self->arguments != NULL ? g_variant_get_type_string (self->arguments) : "";
  gsize body_size = self->arguments != NULL ? g_variant_get_size (self->arguments) : 0;
  const RunHeader header = {
    .id = self->id,
    .run_timeout = self->run_timeout,
    .deadline_left = self->deadline_left,
    .cancel_grace = self->cancel_grace,
    .attempt = self->attempt,
    .kind = (guint16) self->kind,
    .flags = (guint16) ((self->idempotent ? RUN_IS_IDEMPOTENT : 0) | (self->stoppable ? RUN_IS_STOPPABLE : 0) |
                        self->leave_ahead << RUN_LEAVE_SHIFT),
    .type_length = (guint32) strlen (type),
    .name_length = (guint16) strlen (name),
    .function_length = (guint16) strlen (self->function),
  };
  gsize text_size = header.name_length + header.function_length + header.type_length;
  gsize size = sizeof header + text_size + ferry_padding_of (text_size) + body_size;
  guint8 *data = g_malloc (size);
  guint8 *at = put (data, &header, sizeof header);

  at = put (at, name, header.name_length);
  at = put (at, self->function, header.function_length);
  at = put (at, type, header.type_length);
  memset (at, 0, ferry_padding_of (text_size));
  if (body_size > 0)
    g_variant_store (self->arguments, at + ferry_padding_of (text_size));
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

static gboolean
check_header (const RunHeader *header, gsize size, GError **error)
{
  if ((gsize) header->type_length + header->name_length + header->function_length > size)
    return refuse (error, "a task whose parts are longer than the whole");
  if (header->function_length == 0 || header->function_length > FERRY_MAX_CALL_NAME)
    return refuse (error, "a task of a function whose name is empty or too long");
  if (header->name_length > FERRY_MAX_RUN_NAME || header->type_length > FERRY_MAX_INNER_TYPE)
    return refuse (error, "a task whose name, or whose arguments' type, is too long");
  if (header->run_timeout < 0 || header->deadline_left < 0 || header->cancel_grace < 0)
    return refuse (error, "a task with a negative time");
  if (header->attempt == 0 || header->kind > FERRY_TASK_KIND_STEPS)
    return refuse (error, "a task of an unknown kind");
  return TRUE;
}

/* Returns (transfer full) (nullable) the text, or NULL with an error. */
static char *
take_text (const char *text, gsize length, GError **error)
{
  if (g_utf8_validate_len (text, (gssize) length, NULL))
    return g_strndup (text, length);
  refuse (error, "a task with a name that is no text");
  return NULL;
}

/* Returns (transfer full) (nullable) the value of the bytes behind offset, or NULL with an error. */
static GVariant *
take_arguments (GVariant *message, gsize offset, const char *type, gsize type_length, GError **error)
{
  const guint8 *data = g_variant_get_data (message);
  gsize size = g_variant_get_size (message);
  g_autofree char *type_string = g_strndup (type, type_length);
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GBytes) body = NULL;
  GVariant *arguments;

  if (ferry_depth_judge_type (type, type_length) != FERRY_TYPE_GOOD || offset > size ||
      !ferry_depth_allows (type, type_length, data + offset, size - offset))
    {
      refuse (error, "a task with arguments that are no value, or too deep");
      return NULL;
    }
  whole = g_variant_get_data_as_bytes (message);
  body = g_bytes_new_from_bytes (whole, offset, size - offset);
  arguments = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type_string), body, FALSE));
  ferry_known_types_add (arguments);
  return arguments;
}

static gboolean
take_parts (FerryRunRequest *self, const RunHeader *header, GVariant *message, GError **error)
{
  const char *name = (const char *) g_variant_get_data (message) + sizeof *header;
  const char *function = name + header->name_length;
  const char *type = function + header->function_length;
  gsize text_size = header->name_length + header->function_length + header->type_length;

  self->name = take_text (name, header->name_length, error);
  self->function = self->name != NULL ? take_text (function, header->function_length, error) : NULL;
  if (self->function == NULL || header->type_length == 0)
    return self->function != NULL;
  self->arguments = take_arguments (message, sizeof *header + text_size + ferry_padding_of (text_size), type,
                                    header->type_length, error);
  return self->arguments != NULL;
}

gboolean
ferry_run_request_from_variant (FerryRunRequest *self, GVariant *value, GError **error)
{
  g_auto (FerryRunRequest) request = {0};
  RunHeader header;

  if (!check_type (value, "ay", "a task of a wrong type", error))
    return FALSE;
  if (g_variant_get_size (value) < sizeof header)
    return refuse (error, "a task that is cut off");
  memcpy (&header, g_variant_get_data (value), sizeof header);
  if (!check_header (&header, g_variant_get_size (value) - sizeof header, error) ||
      !take_parts (&request, &header, value, error))
    return FALSE;
  request.id = header.id;
  request.attempt = header.attempt;
  request.idempotent = (header.flags & RUN_IS_IDEMPOTENT) != 0;
  request.stoppable = (header.flags & RUN_IS_STOPPABLE) != 0;
  request.leave_ahead = (guint8) (header.flags >> RUN_LEAVE_SHIFT);
  request.run_timeout = header.run_timeout;
  request.deadline_left = header.deadline_left;
  request.cancel_grace = header.cancel_grace;
  request.kind = (FerryTaskKind) header.kind;
  *self = request;
  request = (FerryRunRequest){0};
  return TRUE;
}

/* ---- what a run tells ---- */

GVariant *
ferry_run_progress_to_variant (const FerryProgress *progress)
{
  return g_variant_new (PROGRESS_TYPE, progress->fraction, progress->amount, progress->total, progress->unit,
                        progress->text);
}

/* Copies text to place, which has room for limit bytes and a zero byte. Returns FALSE if text is longer. */
static gboolean
copy_text (char *place, const char *text, gsize limit)
{
  return g_strlcpy (place, text, limit + 1) <= limit;
}

gboolean
ferry_run_progress_from_variant (FerryProgress *progress, GVariant *value, GError **error)
{
  const char *unit;
  const char *text;
  double fraction;

  if (!check_type (value, PROGRESS_TYPE, "progress of a wrong type", error))
    return FALSE;
  g_variant_get (value, "(dtt&s&s)", &fraction, &progress->amount, &progress->total, &unit, &text);
  if (!copy_text (progress->unit, unit, FERRY_MAX_PROGRESS_UNIT) ||
      !copy_text (progress->text, text, FERRY_MAX_PROGRESS_TEXT))
    return refuse (error, "progress with a text that is too long");
  progress->fraction = isfinite (fraction) && fraction >= 0 ? MIN (fraction, 1) : -1;
  if (progress->total > 0)
    progress->amount = MIN (progress->amount, progress->total);
  return TRUE;
}

GVariant *
ferry_run_message_to_variant (const char *type, GVariant *message)
{
  return g_variant_new ("(sv)", type, message);
}

gboolean
ferry_run_message_from_variant (GVariant *value, char **type, GVariant **message, GError **error)
{
  const char *name;

  if (!check_type (value, "(sv)", "a message of a wrong type", error))
    return FALSE;
  g_variant_get_child (value, 0, "&s", &name);
  if (name[0] == '\0' || strlen (name) > FERRY_MAX_CALL_NAME)
    return refuse (error, "a message whose name is empty or too long");
  *type = g_strdup (name);
  g_variant_get_child (value, 1, "v", message);
  return TRUE;
}

/* Returns the level itself if it is one of those that cross, else the nearest one. */
static GLogLevelFlags
limit_level (guint level)
{
  if ((level & G_LOG_LEVEL_MASK) < G_LOG_LEVEL_WARNING)
    return G_LOG_LEVEL_WARNING;
  for (guint bit = G_LOG_LEVEL_WARNING; bit <= G_LOG_LEVEL_DEBUG; bit <<= 1)
    if ((level & bit & LOG_LEVELS) != 0)
      return (GLogLevelFlags) bit;
  return G_LOG_LEVEL_MESSAGE;
}

GVariant *
ferry_run_log_to_variant (GLogLevelFlags level, const char *line)
{
  return g_variant_new ("(u@s)", (guint) limit_level (level),
                        g_variant_new_take_string (dup_cut (line, FERRY_MAX_LOG_LINE)));
}

/* Replaces each control character of ASCII by a space, so that a line stays one line, and moves no cursor. */
static void
flatten (char *line)
{
  for (; *line != '\0'; line++)
    if (g_ascii_iscntrl (*line))
      *line = ' ';
}

gboolean
ferry_run_log_from_variant (GVariant *value, GLogLevelFlags *level, char **line, GError **error)
{
  const char *text;
  guint number;

  if (!check_type (value, "(us)", "a log line of a wrong type", error))
    return FALSE;
  g_variant_get (value, "(u&s)", &number, &text);
  *level = limit_level (number);
  *line = dup_cut (text, FERRY_MAX_LOG_LINE);
  flatten (*line);
  return TRUE;
}

GVariant *
ferry_run_nothing_to_variant (void)
{
  return g_variant_new_tuple (NULL, 0);
}

/* ---- what a host has room for ---- */

GVariant *
ferry_run_load_to_variant (guint n_workers, guint n_busy)
{
  return g_variant_new ("(uu)", n_workers, n_busy);
}

gboolean
ferry_run_load_from_variant (GVariant *value, guint *n_workers, guint *n_busy, GError **error)
{
  guint workers;
  guint busy;

  if (!check_type (value, "(uu)", "its load with a wrong type", error))
    return FALSE;
  g_variant_get (value, "(uu)", &workers, &busy);
  if (workers == 0 || workers > FERRY_MAX_HOST_WORKERS || busy > workers)
    return refuse (error, "a load that cannot be");
  *n_workers = workers;
  *n_busy = busy;
  return TRUE;
}

GVariant *
ferry_run_room_to_variant (guint64 room)
{
  return g_variant_new_uint64 (room);
}

gboolean
ferry_run_room_from_variant (GVariant *value, guint64 *room, GError **error)
{
  if (!check_type (value, "t", "its room with a wrong type", error))
    return FALSE;
  *room = g_variant_get_uint64 (value);
  return TRUE;
}

GVariant *
ferry_run_want_to_variant (guint n_tasks)
{
  return g_variant_new_uint32 (n_tasks);
}

gboolean
ferry_run_want_from_variant (GVariant *value, guint *n_tasks, GError **error)
{
  if (!check_type (value, "u", "its wants with a wrong type", error))
    return FALSE;
  *n_tasks = g_variant_get_uint32 (value);
  return TRUE;
}

/* ---- processes ---- */

GVariant *
ferry_run_process_to_variant (GPid process)
{
  return g_variant_new_uint32 ((guint32) process);
}

gboolean
ferry_run_process_from_variant (GVariant *value, GPid *process, GError **error)
{
  guint32 number;

  if (!check_type (value, "u", "its process with a wrong type", error))
    return FALSE;
  number = g_variant_get_uint32 (value);
  if (number == 0 || number > G_MAXINT32)
    return refuse (error, "an impossible process");
  *process = (GPid) number;
  return TRUE;
}

/* ---- leave, withdraw, hurry and pause ---- */

GVariant *
ferry_run_xids_to_variant (const guint64 *xids, guint n_xids)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, xids, n_xids, sizeof (guint64));
}

GArray *
ferry_run_xids_from_variant (GVariant *value, GError **error)
{
  const guint64 *numbers;
  GArray *xids;
  gsize n;

  if (!check_type (value, "at", "numbers of a wrong type", error))
    return NULL;
  numbers = g_variant_get_fixed_array (value, &n, sizeof (guint64));
  if (n == 0 || n > FERRY_MAX_XIDS)
    {
      refuse (error, "no numbers, or too many");
      return NULL;
    }
  xids = g_array_sized_new (FALSE, FALSE, sizeof (guint64), (guint) n);
  return g_array_append_vals (xids, numbers, (guint) n);
}

GVariant *
ferry_run_hurry_to_variant (guint64 xid, gint64 grace)
{
  return g_variant_new ("(tx)", xid, grace);
}

gboolean
ferry_run_hurry_from_variant (GVariant *value, guint64 *xid, gint64 *grace, GError **error)
{
  guint64 number;
  gint64 time;

  if (!check_type (value, "(tx)", "a time with a wrong type", error))
    return FALSE;
  g_variant_get (value, "(tx)", &number, &time);
  if (time < 0)
    return refuse (error, "a negative time");
  *xid = number;
  *grace = time;
  return TRUE;
}

GVariant *
ferry_run_pause_to_variant (guint64 xid, gboolean paused)
{
  return g_variant_new ("(tb)", xid, paused);
}

gboolean
ferry_run_pause_from_variant (GVariant *value, guint64 *xid, gboolean *paused, GError **error)
{
  if (!check_type (value, "(tb)", "a pause of a wrong type", error))
    return FALSE;
  g_variant_get (value, "(tb)", xid, paused);
  return TRUE;
}
