/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tasks/ferry-demo-report.h"

#include <string.h>

#include "app/ferry-demo-message.h"
#include "tasks/ferry-demo-listing.h"

#define LISTING_MAX (512 * 1024 * 1024)
/* Words end up in a label, and laying out more than the longest path would hold up the window. */
#define WORDS_MAX (16 * 1024)

void
ferry_demo_report_init (FerryDemoReport *self)
{
  memset (self, 0, sizeof *self);
  self->listing = g_string_new (NULL);
}

void
ferry_demo_report_clear (FerryDemoReport *self)
{
  if (self->listing != NULL)
    g_string_free (g_steal_pointer (&self->listing), TRUE);
  g_clear_pointer (&self->first_problem, g_free);
}

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The worker sent %s", what);
  return FALSE;
}

static gboolean
has_type (GVariant *value, const char *type)
{
  return value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE (type));
}

/* A value that an iteration yielded. */
gboolean
ferry_demo_report_take_digest (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *value, GError **error)
{
  g_autoptr (GVariant) path = NULL;
  const char *digest;

  if (spec->kind != FERRY_DEMO_KIND_SHA256 || !has_type (value, FERRY_DEMO_DIGEST_TYPE))
    return refuse (error, "a digest that was not due");

  g_variant_get (value, "(&s@ay)", &digest, &path);
  if (!ferry_demo_is_sha256 (digest) || *g_variant_get_bytestring (path) == '\0')
    return refuse (error, "a digest that is none");
  if (self->listing->len > LISTING_MAX)
    return refuse (error, "more digests than fit in memory; choose a smaller folder");

  ferry_demo_listing_append (self->listing, digest, g_variant_get_bytestring (path));
  self->digests++;
  return TRUE;
}

static gboolean
take_problem (FerryDemoReport *self, GVariant *value, GError **error)
{
  const char *problem = g_variant_get_string (value, NULL);

  if (strlen (problem) > WORDS_MAX)
    return refuse (error, "more words than fit in a row");

  if (self->first_problem == NULL)
    self->first_problem = g_strdup (problem);
  self->problems++;
  return TRUE;
}

static gboolean
take_flood (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *value, gint64 *sent, GError **error)
{
  guint64 sequence;
  gint64 time;

  g_variant_get (value, FERRY_DEMO_FLOOD_TYPE, &sequence, &time);
  if (sequence != self->received || (spec->number != 0 && sequence >= spec->number))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "The worker sent message %" G_GUINT64_FORMAT " where %" G_GUINT64_FORMAT " was due", sequence,
                   self->received);
      return FALSE;
    }

  self->received++;
  *sent = sequence % FERRY_DEMO_FLOOD_MESSAGES_PER_TIME == 0 ? time : 0;
  return TRUE;
}

/* `sent` is when the message was sent, unchecked, or 0 when its latency need not be taken. */
gboolean
ferry_demo_report_take_message (FerryDemoReport *self, const FerryDemoSpec *spec, const char *type, GVariant *value,
                                gint64 *sent, GError **error)
{
  *sent = 0;
  if (spec->kind == FERRY_DEMO_KIND_FLOOD && strcmp (type, FERRY_DEMO_FLOOD) == 0 &&
      has_type (value, FERRY_DEMO_FLOOD_TYPE))
    return take_flood (self, spec, value, sent, error);
  if (spec->kind == FERRY_DEMO_KIND_SHA256 && strcmp (type, FERRY_DEMO_PROBLEM) == 0 &&
      has_type (value, FERRY_DEMO_PROBLEM_TYPE))
    return take_problem (self, value, error);
  return refuse (error, "a message of no known kind");
}

static gboolean
take_digests_result (FerryDemoReport *self, GVariant *value, GError **error)
{
  guint64 files, bytes;

  g_variant_get (value, FERRY_DEMO_SHA256_RESULT, &files, &bytes);
  if (files != self->digests)
    return refuse (error, "a number of files that is not that of its digests");

  self->result[0] = files;
  self->result[1] = bytes;
  return TRUE;
}

static gboolean
take_number (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *value, GError **error)
{
  guint64 number = g_variant_get_uint64 (value);

  if (spec->kind == FERRY_DEMO_KIND_PRIMES && number >= spec->number)
    return refuse (error, "a count of primes that cannot be");
  if (spec->kind == FERRY_DEMO_KIND_FLOOD && (number != self->received || number != spec->number))
    return refuse (error, "an incomplete flood");

  self->result[0] = number;
  self->result[1] = spec->number;
  return TRUE;
}

/* What the function gave at its end. */
gboolean
ferry_demo_report_take_result (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *value, GError **error)
{
  if (self->has_result)
    return refuse (error, "more after its result");

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      self->has_result = has_type (value, FERRY_DEMO_SHA256_RESULT) && take_digests_result (self, value, error);
      break;
    case FERRY_DEMO_KIND_PRIMES:
    case FERRY_DEMO_KIND_FLOOD:
      self->has_result = has_type (value, "t") && take_number (self, spec, value, error);
      break;
    case FERRY_DEMO_KIND_CRASH:
    case FERRY_DEMO_KIND_HANG:
    case FERRY_DEMO_N_KINDS:
    default:
      break;
    }
  if (!self->has_result && (error == NULL || *error == NULL))
    return refuse (error, "a result that was not due");
  return self->has_result;
}
