/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values of what an application and a host say to each other about runs.
 *
 * ferry-run-message-private.h says who sends what, and when. A value that came over a transport may not be in normal
 * form. GLib then reads the parts that are broken as the defaults of their types, so each part is valid, and is checked
 * like any other.
 *
 * Threads: any.
 * Trust:   decoding takes values of another machine. It checks types, lengths and ranges, and fails with
 *          FERRY_ERROR_PROTOCOL. What it gives is valid, and bounded; that it is true is for the caller to judge. */

#include "config.h"

#include "cluster/ferry-run-message-private.h"

#include <stddef.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "job/ferry-program-version-private.h"
#include "pool/ferry-labels-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-depth-private.h"
#include "wire/ferry-packing-private.h"

#define MAX_PRESENCE ((gsize) 1024 * 1024)
#define FACTS_TYPE "(usssasubsasb(tuuutttt))"
#define SERVE_TYPE "(ussst)"
#define SETTINGS_TYPE "a{sv}"
#define LOG_LEVELS (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_WARNING | G_LOG_LEVEL_DEBUG)

#define RUN_HEADER_SIZE offsetof (FerryRunRequest, name)

G_STATIC_ASSERT (RUN_HEADER_SIZE == 40);

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

/* ---- versions ---- */

static gboolean
begins_with_versions (GVariant *value)
{
  g_autoptr (GVariant) first = NULL;
  g_autoptr (GVariant) second = NULL;

  if (value == NULL || !g_variant_is_of_type (value, G_VARIANT_TYPE_TUPLE) || g_variant_n_children (value) < 2)
    return FALSE;
  first = g_variant_get_child_value (value, 0);
  second = g_variant_get_child_value (value, 1);
  return g_variant_is_of_type (first, G_VARIANT_TYPE_UINT32) && g_variant_is_of_type (second, G_VARIANT_TYPE_STRING);
}

gboolean
ferry_run_check_version (GVariant *value, const char *other, GError **error)
{
  g_autofree char *ferry_version = NULL;
  guint version;

  if (!begins_with_versions (value))
    return refuse (error, "a value without a version");
  g_variant_get_child (value, 0, "u", &version);
  g_variant_get_child (value, 1, "s", &ferry_version);
  if (version == FERRY_RUN_VERSION)
    return TRUE;
  return ferry_set_error (error, FERRY_ERROR_VERSION,
                          "%s has Ferry %s, which speaks version %u of the protocol for tasks, and this program has "
                          "Ferry %s, which speaks version %u; install the same version of Ferry at both ends",
                          other, ferry_version_is_valid (ferry_version) ? ferry_version : "of an unknown version",
                          version, FERRY_PROJECT_VERSION, FERRY_RUN_VERSION);
}

GVariant *
ferry_hello_to_variant (void)
{
  return g_variant_new ("(us)", FERRY_RUN_VERSION, FERRY_PROJECT_VERSION);
}

/* ---- facts of a host ---- */

void
ferry_host_facts_clear (FerryHostFacts *self)
{
  g_free (self->name);
  g_free (self->instance);
  g_strfreev (self->functions);
  g_free (self->ferry_version);
  g_free (self->program_version);
  g_strfreev (self->labels);
  *self = (FerryHostFacts){0};
}

GVariant *
ferry_host_facts_to_variant (const FerryHostFacts *self)
{
  static const char *const none[] = {NULL};
  const FerryHostFigures *figures = &self->figures;

  return g_variant_new ("(usss^asubs^asb(tuuutttt))", self->version, self->ferry_version, self->name, self->instance,
                        self->functions, self->n_workers, self->draining,
                        self->program_version != NULL ? self->program_version : "",
                        self->labels != NULL ? (const char *const *) self->labels : none, self->asking, figures->uptime,
                        figures->n_sessions, figures->n_waiting, figures->n_running, figures->longest_wait,
                        figures->n_done, figures->n_failed, figures->n_lost);
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
  if (!ferry_version_is_valid (self->ferry_version))
    return refuse (error, "facts of a host with an invalid version");
  if (self->program_version[0] != '\0' && !ferry_version_is_valid (self->program_version))
    return refuse (error, "facts of a host with an invalid version of its program");
  if (!ferry_labels_check ((const char *const *) self->labels, "", NULL))
    return refuse (error, "facts of a host with invalid labels, or too many");
  return tidy_functions (self->functions, error);
}

/* Sets all but the functions. */
static void
read_facts (FerryHostFacts *self, GVariant *value)
{
  FerryHostFigures *figures = &self->figures;

  g_variant_get (value, "(usss@asubs^asb(tuuutttt))", &self->version, &self->ferry_version, &self->name,
                 &self->instance, NULL, &self->n_workers, &self->draining, &self->program_version, &self->labels,
                 &self->asking, &figures->uptime, &figures->n_sessions, &figures->n_waiting, &figures->n_running,
                 &figures->longest_wait, &figures->n_done, &figures->n_failed, &figures->n_lost);
}

gboolean
ferry_host_facts_from_variant (FerryHostFacts *self, GVariant *value, GError **error)
{
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GVariant) functions = NULL;
  g_autoptr (GVariant) labels = NULL;

  if (!check_type (value, FACTS_TYPE, "facts of a host of a wrong type", error))
    return FALSE;
  functions = g_variant_get_child_value (value, 4);
  if (g_variant_n_children (functions) > FERRY_MAX_HOST_FUNCTIONS)
    return refuse (error, "facts of a host with too many functions");
  labels = g_variant_get_child_value (value, 8);
  if (g_variant_n_children (labels) > FERRY_MAX_LABELS)
    return refuse (error, "facts of a host with too many labels");
  read_facts (&facts, value);
  facts.functions = g_variant_dup_strv (functions, NULL);
  if (!check_facts (&facts, error))
    return FALSE;
  *self = facts;
  facts = (FerryHostFacts){0};
  return TRUE;
}

/* ---- serve ---- */

void
ferry_serve_request_clear (FerryServeRequest *self)
{
  g_free (self->application);
  g_free (self->client);
  *self = (FerryServeRequest){0};
}

GVariant *
ferry_serve_request_to_variant (const FerryServeRequest *self)
{
  return g_variant_new (SERVE_TYPE, FERRY_RUN_VERSION, FERRY_PROJECT_VERSION, self->application, self->client,
                        self->start);
}

gboolean
ferry_serve_request_from_variant (FerryServeRequest *self, GVariant *value, GError **error)
{
  const char *application;
  const char *client;
  guint64 start;

  if (!ferry_run_check_version (value, "The application", error) ||
      !check_type (value, SERVE_TYPE, "a greeting of a wrong type", error))
    return FALSE;
  g_variant_get (value, "(us&s&st)", NULL, NULL, &application, &client, &start);
  if (!ferry_token_is_valid (application) || !ferry_token_is_valid (client))
    return refuse (error, "a greeting with an invalid name");
  *self = (FerryServeRequest){g_strdup (application), g_strdup (client), start};
  return TRUE;
}

/* ---- run ---- */

void
ferry_run_request_clear (FerryRunRequest *self)
{
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_pointer (&self->packed, g_bytes_unref);
  *self = (FerryRunRequest){0};
}

void
ferry_run_settings_clear (FerryRunSettings *self)
{
  g_free (self->packed);
  *self = (FerryRunSettings){0};
}

/* Returns the size. packed: NULL to compute that only. */
static gsize
pack (const FerryRunRequest *self, const FerryRunSettings *settings, guint8 *packed)
{
  gsize at = ferry_pack_bytes (packed, 0, self, RUN_HEADER_SIZE);

  at = ferry_pack_string (packed, at, self->name, self->name_length);
  at = ferry_pack_string (packed, at, self->function, self->function_length);
  at = ferry_pack_bytes (packed, at, settings->packed, settings->length);
  return self->arguments != NULL ? ferry_pack_value (packed, at, self->arguments) : at;
}

static void
pack_settings (FerryRunSettings *latest, const FerryTaskSettings *settings)
{
  GVariantBuilder builder;
  g_autoptr (GVariant) value = NULL;

  if (latest->packed != NULL && memcmp (&latest->settings, settings, sizeof *settings) == 0)
    return;
  ferry_run_settings_clear (latest);
  g_variant_builder_init (&builder, G_VARIANT_TYPE (SETTINGS_TYPE));
  ferry_task_fields_pack (settings, FERRY_TASK_FIELDS_OF_SESSION, &builder);
  value = g_variant_ref_sink (g_variant_builder_end (&builder));
  latest->settings = *settings;
  latest->size = (guint32) g_variant_get_size (value);
  latest->length = latest->size > 0 ? ferry_pack_value (NULL, 0, value) : 0;
  latest->packed = g_malloc0 (MAX (latest->length, 1));
  if (latest->size > 0)
    ferry_pack_value (latest->packed, 0, value);
}

GVariant *
ferry_run_request_to_variant (const FerryRunRequest *self)
{
  g_autofree char *name = dup_valid_cut (self->name, FERRY_MAX_RUN_NAME);
  g_auto (FerryRunSettings) own = {0};
  FerryRunSettings *settings = self->latest != NULL ? self->latest : &own;
  FerryRunRequest sent = *self;
  guint8 *data;
  gsize size;

  pack_settings (settings, &self->settings);
  sent.name = name;
  sent.settings_size = settings->size;
  sent.name_length = (guint16) strlen (name);
  sent.function_length = (guint16) strlen (sent.function);
  if (sent.arguments != NULL)
    {
      sent.size = g_variant_get_size (sent.arguments);
      sent.type_length = (guint32) strlen (g_variant_get_type_string (sent.arguments));
    }
  size = pack (&sent, settings, NULL);
  data = g_malloc (size);
  pack (&sent, settings, data);
  return g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, data, size, TRUE, g_free, data);
}

static gboolean
check_header (const FerryRunRequest *self, GError **error)
{
  if (self->function_length == 0 || self->function_length > FERRY_MAX_CALL_NAME)
    return refuse (error, "a task of a function whose name is empty or too long");
  if (self->name_length > FERRY_MAX_RUN_NAME || self->type_length > FERRY_MAX_INNER_TYPE)
    return refuse (error, "a task whose name, or whose arguments' type, is too long");
  if (self->attempt == 0 || self->kind > FERRY_TASK_KIND_STEPS)
    return refuse (error, "a task of an unknown kind");
  return TRUE;
}

/* Takes those of the request before, if these have the same bytes. */
static gboolean
take_latest_settings (FerryRunRequest *self, FerryUnpacking *unpacking)
{
  const FerryRunSettings *latest = self->latest;

  if (latest == NULL || latest->packed == NULL || latest->size != self->settings_size ||
      unpacking->size - unpacking->at < latest->length ||
      memcmp (unpacking->data + unpacking->at, latest->packed, latest->length) != 0)
    return FALSE;
  self->settings = latest->settings;
  unpacking->at += latest->length;
  return TRUE;
}

static gboolean
unpack_settings (FerryRunRequest *self, FerryUnpacking *unpacking)
{
  const gsize start = unpacking->at;
  g_autoptr (GVariant) settings = NULL;

  if (self->settings_size == 0)
    return ferry_task_fields_unpack (&self->settings, FERRY_TASK_FIELDS_OF_SESSION, NULL);
  if (take_latest_settings (self, unpacking))
    return TRUE;
  settings = ferry_unpack_value (unpacking, strlen (SETTINGS_TYPE), self->settings_size);
  if (settings == NULL || !g_variant_is_of_type (settings, G_VARIANT_TYPE (SETTINGS_TYPE)) ||
      !ferry_task_fields_unpack (&self->settings, FERRY_TASK_FIELDS_OF_SESSION, settings))
    return FALSE;
  if (self->latest != NULL)
    {
      ferry_run_settings_clear (self->latest);
      self->latest->length = unpacking->at - start;
      self->latest->packed = g_memdup2 (unpacking->data + start, self->latest->length);
      self->latest->size = self->settings_size;
      self->latest->settings = self->settings;
    }
  return TRUE;
}

static gboolean
unpack (FerryRunRequest *self, FerryUnpacking *unpacking)
{
  self->name = ferry_unpack_string (unpacking, self->name_length);
  self->function = ferry_unpack_string (unpacking, self->function_length);
  if (self->name == NULL || self->function == NULL || !unpack_settings (self, unpacking))
    return FALSE;
  if (self->type_length > 0)
    self->arguments = ferry_unpack_value (unpacking, self->type_length, self->size);
  return (self->arguments != NULL || self->type_length == 0) && ferry_unpack_end (unpacking);
}

gboolean
ferry_run_request_from_variant (FerryRunRequest *self, GVariant *value, GError **error)
{
  g_auto (FerryRunRequest) request = {.latest = self->latest};
  FerryUnpacking unpacking;

  if (!check_type (value, "ay", "a task of a wrong type", error))
    return FALSE;
  request.packed = g_variant_get_data_as_bytes (value);
  if (!ferry_unpack_begin (&unpacking, request.packed, FERRY_VALUE_UNJUDGED) ||
      !ferry_unpack_bytes (&unpacking, &request, RUN_HEADER_SIZE))
    return refuse (error, "a task that is cut off");
  if (!check_header (&request, error))
    return FALSE;
  if (!unpack (&request, &unpacking))
    return refuse (error,
                   "a task with parts that are malformed, settings out of their range, or arguments that are too deep");
  *self = request;
  request = (FerryRunRequest){0};
  return TRUE;
}

/* ---- what a run tells ---- */

GVariant *
ferry_run_progress_to_variant (const FerryProgress *progress)
{
  guint8 bytes[FERRY_MAX_PROGRESS_SIZE];
  gsize size = ferry_progress_encode (bytes, 0, progress->fraction, progress->amount, progress->total, progress->unit,
                                      progress->text);

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, size, 1);
}

gboolean
ferry_run_progress_from_variant (FerryProgress *progress, GVariant *value, GError **error)
{
  return check_type (value, "ay", "progress of a wrong type", error) &&
         (ferry_progress_decode (progress, g_variant_get_data (value), g_variant_get_size (value)) ||
          refuse (error, "progress that is malformed"));
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

/* ---- numbers ---- */

gboolean
ferry_run_number_from_variant (GVariant *value, guint64 most, guint64 *number, GError **error)
{
  if (!check_type (value, "t", "a number of a wrong type", error))
    return FALSE;
  if (g_variant_get_uint64 (value) > most)
    return refuse (error, "a number that cannot be");
  *number = g_variant_get_uint64 (value);
  return TRUE;
}

/* ---- orders ---- */

GVariant *
ferry_run_order_to_variant (guint64 xid, gint64 number)
{
  const guint64 numbers[] = {xid, (guint64) number};

  return g_variant_new_fixed_array (G_VARIANT_TYPE_UINT64, numbers, G_N_ELEMENTS (numbers), sizeof *numbers);
}

gboolean
ferry_run_order_from_variant (GVariant *value, guint64 *xid, gint64 *number, GError **error)
{
  const guint64 *numbers;
  gsize n;

  if (!check_type (value, "at", "an order of a wrong type", error))
    return FALSE;
  numbers = g_variant_get_fixed_array (value, &n, sizeof *numbers);
  if (n != 2 || numbers[1] > G_MAXINT64)
    return refuse (error, "an order with numbers that cannot be");
  *xid = numbers[0];
  *number = (gint64) numbers[1];
  return TRUE;
}

/* ---- what comes from a NATS server ---- */

gboolean
ferry_bus_peer_from_subject (FerryBusPeer *peer, const char *subject, const char *prefix)
{
  const char *name = g_str_has_prefix (subject, prefix) ? subject + strlen (prefix) : "";
  const char *dot = strchr (name, '.');

  if (dot == NULL || dot - name > FERRY_MAX_TOKEN || strlen (dot + 1) > FERRY_MAX_TOKEN)
    return FALSE;
  memcpy (peer->name, name, (gsize) (dot - name));
  peer->name[dot - name] = '\0';
  strcpy (peer->id, dot + 1);
  return ferry_token_is_valid (peer->name) && ferry_token_is_valid (peer->id);
}

GBytes *
ferry_bus_presence_to_bytes (GVariant *facts)
{
  g_autoptr (GVariant) boxed = g_variant_ref_sink (g_variant_new_variant (facts));
  g_autoptr (GVariant) sent =
    G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (boxed) : g_variant_get_normal_form (boxed);

  return g_variant_get_data_as_bytes (sent);
}

GVariant *
ferry_bus_presence_from_bytes (GBytes *bytes)
{
  g_autoptr (GVariant) boxed = NULL;
  g_autoptr (GVariant) facts = NULL;

  if (g_bytes_get_size (bytes) > MAX_PRESENCE)
    return NULL;
  boxed = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARIANT, bytes, FALSE));
  if (!g_variant_is_normal_form (boxed))
    return NULL;
  facts = g_variant_get_variant (boxed);
  return G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (facts) : g_steal_pointer (&facts);
}
