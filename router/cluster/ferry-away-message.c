/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The values that are in the streams of a queue, as bytes.
 *
 * They are values of GVariant in normal form and little-endian order, each with a version first. That is read before
 * all else: a message of another version is not malformed, and is left for an end that knows it.
 *
 * Threads: any.
 * Trust:   what comes is of another machine. It is judged before GLib reads it, and types, lengths and ranges are
 *          checked. What it gives is valid; that it is true is for the caller to judge. */

#include "config.h"

#include "cluster/ferry-away-message-private.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "cluster/ferry-run-message-private.h"
#include "pool/ferry-labels-private.h"
#include "wire/ferry-call-message-private.h"
#include "wire/ferry-layout-private.h"
#include "wire/ferry-remote-error-private.h"

#define TASK_TYPE "(uussxxuuua{sv}asmv)"
/* Version 2, which has some settings by their places. */
#define OLD_TASK_TYPE "(uussxxxxxxuuubbasmv)"
#define BEGUN_TYPE "(uyssu)"
#define END_TYPE "(usumvm(sissas))"

/* That of a release before: its tasks are run, and its other messages are as those of today. */
#define OLD_VERSION 2
/* What is above that is no version, but something else. */
#define LAST_VERSION 1000

static gboolean
refuse (GError **error, const char *what)
{
  return ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                          "The queue's stream has %s; use versions of Ferry that fit together, at both ends", what);
}

static GBytes *
pack (GVariant *value)
{
  g_autoptr (GVariant) own = g_variant_ref_sink (value);
  g_autoptr (GVariant) normal = g_variant_get_normal_form (own);
  g_autoptr (GVariant) ordered = NULL;

  ordered = G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (normal) : g_variant_ref (normal);
  return g_variant_get_data_as_bytes (ordered);
}

static guint32
read_version (gconstpointer data, gsize size)
{
  guint32 version = G_MAXUINT32;

  if (size >= sizeof version)
    memcpy (&version, data, sizeof version);
  return GUINT32_FROM_LE (version);
}

static gboolean
check_version (gconstpointer data, gsize size, const char *what, GError **error)
{
  const guint32 version = read_version (data, size);

  if (version == FERRY_AWAY_VERSION || version == OLD_VERSION)
    return TRUE;
  if (version > LAST_VERSION)
    return refuse (error, what);
  return ferry_set_error (
    error, FERRY_ERROR_VERSION,
    "The queue's stream has a message of version %u, and this program knows version %d; install the same "
    "version of Ferry at both ends",
    version, FERRY_AWAY_VERSION);
}

/* Returns (transfer full) (nullable) a value of the type. */
static GVariant *
unpack (GBytes *bytes, const char *type, const char *what, GError **error)
{
  g_autoptr (GVariant) ordered = NULL;
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  if (!check_version (data, size, what, error))
    return NULL;
  if (ferry_layout_judge (type, strlen (type), data, size) != FERRY_VALUE_GOOD)
    {
      refuse (error, what);
      return NULL;
    }
  /* Trusted: it has been judged, in memory of this process alone. */
  ordered = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, TRUE));
  return G_BYTE_ORDER == G_BIG_ENDIAN ? g_variant_byteswap (ordered) : g_steal_pointer (&ordered);
}

/* A floating “mv”. */
static GVariant *
box (GVariant *value)
{
  return g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, value != NULL ? g_variant_new_variant (value) : NULL);
}

/* ---- tasks ---- */

void
ferry_away_order_clear (FerryAwayOrder *self)
{
  g_free (self->function);
  g_free (self->name);
  g_clear_pointer (&self->arguments, g_variant_unref);
  g_clear_pointer (&self->needs, g_variant_unref);
  *self = (FerryAwayOrder){0};
}

GBytes *
ferry_away_task_to_bytes (const FerryAwayTask *task)
{
  GVariantBuilder settings;

  g_variant_builder_init (&settings, G_VARIANT_TYPE_VARDICT);
  ferry_task_fields_pack (&task->settings, FERRY_TASK_FIELDS_OF_STREAM, &settings);
  return pack (g_variant_new ("(uussxxuuua{sv}@as@mv)", FERRY_AWAY_VERSION, task->kind, task->function, task->name,
                              task->not_before, task->waits_since, task->attempts, task->deaths, task->death_limit,
                              &settings, task->needs != NULL ? task->needs : g_variant_new_strv (NULL, 0),
                              box (task->arguments)));
}

static gboolean
check_order (const FerryAwayOrder *self, GError **error)
{
  const FerryAwayTask *about = &self->about;
  g_autofree const char **needs = g_variant_get_strv (self->needs, NULL);

  if (*self->function == '\0' || strlen (self->function) > FERRY_MAX_CALL_NAME ||
      strlen (self->name) > FERRY_MAX_RUN_NAME)
    return refuse (error, "a task whose name, or whose function's, is empty or too long");
  if (about->kind > FERRY_TASK_KIND_STEPS)
    return refuse (error, "a task of an unknown kind");
  if (about->not_before < 0 || about->waits_since < 0)
    return refuse (error, "a task with a negative time");
  return ferry_labels_check (needs, "", NULL) || refuse (error, "a task that needs what is no label");
}

static gboolean
read_order (FerryAwayOrder *self, GVariant *value, GError **error)
{
  FerryAwayTask *about = &self->about;
  g_autoptr (GVariant) settings = NULL;

  g_variant_get (value, "(uussxxuuu@a{sv}@asmv)", NULL, &about->kind, &self->function, &self->name, &about->not_before,
                 &about->waits_since, &about->attempts, &about->deaths, &about->death_limit, &settings, &self->needs,
                 &self->arguments);
  return ferry_task_fields_unpack (&about->settings, FERRY_TASK_FIELDS_OF_STREAM, settings) ||
         refuse (error, "a task with a setting out of its range");
}

/* It had no count of deaths, and in place of the queue timeout the time at which that was over. */
static gboolean
read_old_order (FerryAwayOrder *self, GVariant *value, GError **error)
{
  FerryAwayTask *about = &self->about;
  FerryTaskSettings *settings = &about->settings;
  gint64 expiry, grace;

  ferry_task_fields_unpack (settings, FERRY_TASK_FIELDS_OF_STREAM, NULL);
  g_variant_get (value, "(uussxxxxxxuuubb@asmv)", NULL, &about->kind, &self->function, &self->name, &about->not_before,
                 &expiry, &settings->deadline, &settings->run_timeout, &grace, &settings->retry_pause,
                 &settings->retries, &about->attempts, &about->death_limit, &settings->idempotent, &settings->stoppable,
                 &self->needs, &self->arguments);
  if (grace > 0)
    settings->cancel_grace = grace;
  about->waits_since = 1;
  if (expiry != settings->deadline)
    settings->queue_timeout = expiry - 1;
  return (expiry >= 0 && settings->deadline >= 0 && settings->run_timeout >= 0 && grace >= 0 &&
          settings->retry_pause >= 0) ||
         refuse (error, "a task with a negative time");
}

gboolean
ferry_away_order_from_bytes (FerryAwayOrder *self, GBytes *bytes, GError **error)
{
  g_auto (FerryAwayOrder) order = {0};
  const gboolean is_old = read_version (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes)) == OLD_VERSION;
  g_autoptr (GVariant) value = unpack (bytes, is_old ? OLD_TASK_TYPE : TASK_TYPE, "a task that is malformed", error);
  FerryAwayTask *about = &order.about;

  if (value == NULL || !(is_old ? read_old_order : read_order) (&order, value, error) || !check_order (&order, error))
    return FALSE;
  about->function = order.function;
  about->name = order.name;
  about->arguments = order.arguments;
  about->needs = order.needs;
  *self = order;
  order = (FerryAwayOrder){0};
  return TRUE;
}

/* ---- who has begun it ---- */

void
ferry_away_begun_clear (FerryAwayBegun *self)
{
  g_free (self->host);
  g_free (self->instance);
  *self = (FerryAwayBegun){0};
}

GBytes *
ferry_away_begun_to_bytes (const FerryAwayBegun *self)
{
  return pack (
    g_variant_new (BEGUN_TYPE, FERRY_AWAY_VERSION, (guchar) self->by, self->host, self->instance, self->attempts));
}

gboolean
ferry_away_begun_from_bytes (FerryAwayBegun *self, GBytes *bytes, GError **error)
{
  g_auto (FerryAwayBegun) begun = {0};
  g_autoptr (GVariant) value = unpack (bytes, BEGUN_TYPE, "a note of a beginning that is malformed", error);
  guchar by;

  if (value == NULL)
    return FALSE;
  g_variant_get (value, BEGUN_TYPE, NULL, &by, &begun.host, &begun.instance, &begun.attempts);
  begun.by = (FerryAwayBeginner) by;
  if (memchr ("ahcduq", by, 6) == NULL || strlen (begun.instance) > FERRY_MAX_TOKEN ||
      (*begun.host != '\0' && !ferry_token_is_valid (begun.host)) ||
      ((begun.by == FERRY_AWAY_BY_HOST || begun.by == FERRY_AWAY_BY_ASKED) && *begun.host == '\0'))
    return refuse (error, "a note of a beginning with an invalid name");
  *self = begun;
  begun = (FerryAwayBegun){0};
  return TRUE;
}

/* ---- how it has ended ---- */

void
ferry_away_end_clear (FerryAwayEnd *self)
{
  g_free (self->host);
  g_clear_pointer (&self->result, g_variant_unref);
  g_clear_error (&self->error);
  g_free (self->trace);
  *self = (FerryAwayEnd){0};
}

GBytes *
ferry_away_end_to_bytes (const FerryAwayEnd *self)
{
  GVariant *error = self->error != NULL ? ferry_error_to_variant (self->error, self->trace, NULL) : NULL;

  return pack (g_variant_new ("(usu@mv@m(sissas))", FERRY_AWAY_VERSION, self->host, self->attempts, box (self->result),
                              g_variant_new_maybe (G_VARIANT_TYPE (FERRY_ERROR_VARIANT_TYPE), error)));
}

gboolean
ferry_away_end_from_bytes (FerryAwayEnd *self, GBytes *bytes, GError **error)
{
  g_auto (FerryAwayEnd) end = {0};
  g_autoptr (GVariant) value = unpack (bytes, END_TYPE, "an end that is malformed", error);
  g_autoptr (GVariant) failure = NULL;

  if (value == NULL)
    return FALSE;
  g_variant_get (value, "(usumvm@(sissas))", NULL, &end.host, &end.attempts, &end.result, &failure);
  if (!ferry_token_is_valid (end.host) || (end.result != NULL && failure != NULL))
    return refuse (error, "an end of no host, or with a result beside an error");
  if (failure != NULL)
    end.error = ferry_error_from_variant (failure, &end.trace);
  *self = end;
  end = (FerryAwayEnd){0};
  return TRUE;
}

/* ---- subjects ---- */

gboolean
ferry_away_parse_subject (const char *subject, const char *beginning, char **file, char **id)
{
  const char *rest = g_str_has_prefix (subject, beginning) ? subject + strlen (beginning) : "";
  const char *dot = strchr (rest, '.');
  g_autofree char *first = dot != NULL ? g_strndup (rest, (gsize) (dot - rest)) : NULL;

  if (first == NULL || !ferry_token_is_valid (first) || !ferry_token_is_valid (dot + 1))
    return FALSE;
  *file = g_steal_pointer (&first);
  *id = g_strdup (dot + 1);
  return TRUE;
}
