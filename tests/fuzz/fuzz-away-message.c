/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-away-message.c
 *
 * What is in the streams of a queue. The first byte says which message it is. What is taken is valid, and comes back as
 * it was when it is sent. */

#include "config.h"

#include <string.h>

#include "base/ferry-error.h"
#include "cluster/ferry-away-message-private.h"
#include "cluster/ferry-run-message-private.h"
#include "fuzz.h"

static gboolean
take_task (GBytes *bytes, GError **error)
{
  g_auto (FerryAwayOrder) order = {0};
  g_auto (FerryAwayOrder) again = {0};
  g_autoptr (GBytes) sent = NULL;
  g_autoptr (GBytes) sent_again = NULL;

  if (!ferry_away_order_from_bytes (&order, bytes, error))
    return FALSE;
  g_assert_true (order.function[0] != '\0' && strlen (order.name) <= FERRY_MAX_RUN_NAME);
  g_assert_true (order.about.kind <= FERRY_TASK_KIND_STEPS);
  g_assert_true (order.about.not_before >= 0 && order.about.waits_since >= 0 && order.about.settings.deadline >= 0);
  g_assert_true (order.about.settings.run_timeout >= 0 && order.about.settings.cancel_grace >= 0);
  g_assert_true (order.about.settings.retry_pause >= 0);
  g_assert_true (g_variant_is_of_type (order.needs, G_VARIANT_TYPE_STRING_ARRAY));
  if (order.arguments != NULL)
    fuzz_read_variant (order.arguments);
  /* Settings have no order, and may be of a later version. */
  sent = ferry_away_task_to_bytes (&order.about);
  g_assert_true (ferry_away_order_from_bytes (&again, sent, NULL));
  sent_again = ferry_away_task_to_bytes (&again.about);
  g_assert_true (g_bytes_equal (sent, sent_again));
  return TRUE;
}

static gboolean
take_begun (GBytes *bytes, GError **error)
{
  g_auto (FerryAwayBegun) begun = {0};
  g_auto (FerryAwayBegun) again = {0};
  g_autoptr (GBytes) sent = NULL;

  if (!ferry_away_begun_from_bytes (&begun, bytes, error))
    return FALSE;
  g_assert_true (begun.by != FERRY_AWAY_BY_HOST || ferry_token_is_valid (begun.host));
  sent = ferry_away_begun_to_bytes (&begun);
  g_assert_true (ferry_away_begun_from_bytes (&again, sent, NULL));
  g_assert_true (again.by == begun.by && again.attempts == begun.attempts);
  return TRUE;
}

static gboolean
take_end (GBytes *bytes, GError **error)
{
  g_auto (FerryAwayEnd) end = {0};
  g_auto (FerryAwayEnd) again = {0};
  g_autoptr (GBytes) sent = NULL;

  if (!ferry_away_end_from_bytes (&end, bytes, error))
    return FALSE;
  g_assert_true (ferry_token_is_valid (end.host) && (end.result == NULL || end.error == NULL));
  if (end.result != NULL)
    fuzz_read_variant (end.result);
  sent = ferry_away_end_to_bytes (&end);
  g_assert_true (ferry_away_end_from_bytes (&again, sent, NULL));
  g_assert_cmpuint (end.attempts, ==, again.attempts);
  return TRUE;
}

/* FILE.ID */
static gboolean
take_subject (GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autofree char *subject = g_strndup (data != NULL ? data : "", size);
  g_autofree char *file = NULL;
  g_autofree char *id = NULL;

  if (!ferry_away_parse_subject (subject, "end.", &file, &id))
    {
      g_set_error_literal (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL, "no subject");
      return FALSE;
    }
  g_assert_true (ferry_token_is_valid (file) && ferry_token_is_valid (id));
  return TRUE;
}

static gboolean (*const takes[]) (GBytes *bytes, GError **error) = {take_task, take_begun, take_end, take_subject};

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint kind = size > 0 ? data[0] % G_N_ELEMENTS (takes) : 0;
  g_autoptr (GBytes) bytes = g_bytes_new (data + MIN (size, 1), size - MIN (size, 1));
  g_autoptr (GError) error = NULL;

  if (takes[kind](bytes, &error))
    fuzz_n_accepted++;
  else if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION))
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  return 0;
}
