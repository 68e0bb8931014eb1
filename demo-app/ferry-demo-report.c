/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-report.h"

#include <string.h>

#include "ferry-demo-listing.h"
#include "ferry-demo-message.h"

#define LISTING_MAX (512 * 1024 * 1024)
/* Words end up in a label, and laying out more than the longest path would hold up the window. */
#define WORDS_MAX (16 * 1024)

void
ferry_demo_report_init (FerryDemoReport *self, const FerryDemoSpec *spec)
{
  memset (self, 0, sizeof *self);
  self->listing = g_string_new (NULL);
  if (spec->kind == FERRY_DEMO_KIND_FLOOD)
    self->total = spec->number;
}

void
ferry_demo_report_clear (FerryDemoReport *self)
{
  if (self->listing != NULL)
    g_string_free (g_steal_pointer (&self->listing), TRUE);
  g_clear_pointer (&self->doing, g_free);
  g_clear_pointer (&self->first_problem, g_free);
}

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The worker sent %s", what);
  return FALSE;
}

static gboolean
take_progress (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *payload, GError **error)
{
  guint64 done, total, items_done, items_total;
  const char *doing;

  if (spec->kind == FERRY_DEMO_KIND_FLOOD)
    return refuse (error, "progress where only a flood was due");

  g_variant_get (payload, "(tttt&s)", &done, &total, &items_done, &items_total, &doing);
  if ((total != 0 && done > total) || (items_total != 0 && items_done > items_total))
    return refuse (error, "a progress beyond its end");
  if (strlen (doing) > WORDS_MAX)
    return refuse (error, "more words than fit in a row");

  self->done = done;
  self->total = total;
  self->items_done = items_done;
  self->items_total = items_total;
  if (g_strcmp0 (self->doing, doing) != 0)
    {
      g_free (self->doing);
      self->doing = g_strdup (doing);
    }
  return TRUE;
}

static gboolean
take_digest (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *payload, GError **error)
{
  g_autoptr (GVariant) path = NULL;
  const char *digest;

  g_variant_get (payload, "(&s@ay)", &digest, &path);
  if (spec->kind != FERRY_DEMO_KIND_SHA256 || self->digests >= self->items_total)
    return refuse (error, "a digest that was not due");
  if (!ferry_demo_is_sha256 (digest) || *g_variant_get_bytestring (path) == '\0')
    return refuse (error, "a digest that is none");
  if (self->listing->len > LISTING_MAX)
    return refuse (error, "more digests than fit in memory; choose a smaller folder");

  ferry_demo_listing_append (self->listing, digest, g_variant_get_bytestring (path));
  self->digests++;
  return TRUE;
}

static gboolean
take_problem (FerryDemoReport *self, GVariant *payload, GError **error)
{
  const char *problem;

  g_variant_get (payload, "(&s)", &problem);
  if (strlen (problem) > WORDS_MAX)
    return refuse (error, "more words than fit in a row");

  if (self->first_problem == NULL)
    self->first_problem = g_strdup (problem);
  self->problems++;
  return TRUE;
}

static gboolean
take_result (FerryDemoReport *self, const FerryDemoSpec *spec, GVariant *payload, GError **error)
{
  g_variant_get (payload, "(tt)", &self->result[0], &self->result[1]);

  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      if (self->result[0] != self->digests)
        return refuse (error, "a number of files that is not that of its digests");
      break;
    case FERRY_DEMO_KIND_PRIMES:
      if (self->result[1] != spec->number || self->result[0] >= spec->number)
        return refuse (error, "a count of primes that cannot be");
      break;
    case FERRY_DEMO_KIND_FLOOD:
      if (self->result[0] != self->done || self->done != self->total)
        return refuse (error, "an incomplete flood");
      break;
    case FERRY_DEMO_KIND_CRASH:
    case FERRY_DEMO_KIND_HANG:
    case FERRY_DEMO_N_KINDS:
    default:
      return refuse (error, "a result that was not due");
    }

  self->has_result = TRUE;
  if (self->total != 0)
    self->done = self->total;
  return TRUE;
}

static gboolean
take_variant (FerryDemoReport *self, const FerryDemoSpec *spec, const FerryDemoMessage *message, GError **error)
{
  switch (message->kind)
    {
    case FERRY_DEMO_MESSAGE_PROGRESS:
      return take_progress (self, spec, message->payload, error);
    case FERRY_DEMO_MESSAGE_DIGEST:
      return take_digest (self, spec, message->payload, error);
    case FERRY_DEMO_MESSAGE_PROBLEM:
      return take_problem (self, message->payload, error);
    case FERRY_DEMO_MESSAGE_RESULT:
      return take_result (self, spec, message->payload, error);
    case FERRY_DEMO_N_MESSAGES:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
take_flood (FerryDemoReport *self, const FerryDemoSpec *spec, gconstpointer data, gsize size, gint64 *sent,
            GError **error)
{
  FerryDemoFloodMessage message;

  if (spec->kind != FERRY_DEMO_KIND_FLOOD || size != sizeof message)
    return refuse (error, "bytes that were not due");

  memcpy (&message, data, sizeof message);
  if (message.sequence != self->done || (self->total != 0 && self->done >= self->total))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "Message %" G_GUINT64_FORMAT " came where %" G_GUINT64_FORMAT " was due", message.sequence,
                   self->done);
      return FALSE;
    }

  self->done++;
  *sent = message.sequence % FERRY_DEMO_FLOOD_MESSAGES_PER_TIME == 0 ? message.sent : 0;
  return TRUE;
}

/* `sent` is when the message was sent, unchecked, or 0 when its latency need not be taken. */
gboolean
ferry_demo_report_take (FerryDemoReport *self, const FerryDemoSpec *spec, gconstpointer data, gsize size,
                        const GVariantType *type, gint64 *sent, GError **error)
{
  g_auto (FerryDemoMessage) message = {0};

  self->messages++;
  if (self->has_result)
    return refuse (error, "more after its result");
  if (type == NULL)
    return take_flood (self, spec, data, size, sent, error);
  if (!ferry_demo_message_parse (&message, data, size, type))
    return refuse (error, "a message of no known kind");

  *sent = message.sent;
  return take_variant (self, spec, &message, error);
}

/* Negative when the end is not known. */
double
ferry_demo_report_get_fraction (const FerryDemoReport *self)
{
  if (self->total != 0)
    return (double) self->done / (double) self->total;
  if (self->items_total != 0)
    return (double) self->items_done / (double) self->items_total;
  return self->has_result ? 1.0 : -1.0;
}
