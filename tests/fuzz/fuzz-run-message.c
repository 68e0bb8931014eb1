/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-run-message.c
 *
 * What an application and a host say to each other about tasks. The first byte says which message it is, and what is
 * behind it is the serialised value, of the right type. A session takes no value that is too deep, so it is not given
 * here. What is taken is valid, and is taken again when it is sent. */

#include "config.h"

#include <string.h>

#include "base/ferry-error.h"
#include "cluster/ferry-run-message-private.h"
#include "fuzz.h"
#include "pool/ferry-labels-private.h"
#include "wire/ferry-depth-private.h"

static GVariant *
keep (GVariant *value)
{
  return g_variant_ref_sink (value);
}

static gboolean
take_facts (GVariant *value, GError **error)
{
  g_auto (FerryHostFacts) facts = {0};
  g_auto (FerryHostFacts) again = {0};
  g_autoptr (GVariant) sent = NULL;

  if (!ferry_host_facts_from_variant (&facts, value, error))
    return FALSE;
  g_assert_true (ferry_token_is_valid (facts.name) && ferry_token_is_valid (facts.instance));
  g_assert_true (facts.n_workers > 0 && facts.n_workers <= FERRY_MAX_HOST_WORKERS);
  g_assert_true (g_strv_length (facts.functions) <= FERRY_MAX_HOST_FUNCTIONS);
  for (char **name = facts.functions; *name != NULL; name++)
    g_assert_true ((*name)[0] != '\0' && (name[1] == NULL || strcmp (name[0], name[1]) < 0));
  g_assert_true (g_strv_length (facts.labels) <= FERRY_MAX_LABELS);
  g_assert_true (facts.program_version[0] == '\0' ||
                 ferry_token_is_valid (g_strdelimit (facts.program_version, ".+~", '-')));
  sent = keep (ferry_host_facts_to_variant (&facts));
  g_assert_true (ferry_host_facts_from_variant (&again, sent, NULL));
  g_assert_cmpstrv (facts.functions, again.functions);
  g_assert_cmpstrv (facts.labels, again.labels);
  return TRUE;
}

static gboolean
take_serve (GVariant *value, GError **error)
{
  g_auto (FerryServeRequest) request = {0};

  if (!ferry_serve_request_from_variant (&request, value, error))
    return FALSE;
  g_assert_true (ferry_token_is_valid (request.application) && ferry_token_is_valid (request.client));
  return TRUE;
}

static gboolean
take_request (GVariant *value, GError **error)
{
  g_auto (FerryRunRequest) request = {0};
  g_auto (FerryRunRequest) again = {0};
  g_autoptr (GVariant) sent = NULL;

  if (!ferry_run_request_from_variant (&request, value, error))
    return FALSE;
  g_assert_true (request.function[0] != '\0' && strlen (request.name) <= FERRY_MAX_RUN_NAME);
  g_assert_true (request.attempt > 0 && (guint) request.kind <= FERRY_TASK_KIND_STEPS);
  g_assert_true (request.settings.run_timeout >= 0 && request.settings.deadline >= 0 &&
                 request.settings.cancel_grace >= 0);
  if (request.arguments != NULL)
    fuzz_read_variant (request.arguments);
  sent = keep (ferry_run_request_to_variant (&request));
  g_assert_true (ferry_run_request_from_variant (&again, sent, NULL));
  return TRUE;
}

static gboolean
take_progress (GVariant *value, GError **error)
{
  FerryProgress progress;
  FerryProgress again;
  g_autoptr (GVariant) sent = NULL;

  if (!ferry_run_progress_from_variant (&progress, value, error))
    return FALSE;
  g_assert_true (progress.fraction == -1 || progress.fraction == FERRY_FRACTION_TAKEN_BACK ||
                 (progress.fraction >= 0 && progress.fraction <= 1));
  g_assert_true (progress.total == 0 || progress.amount <= progress.total);
  sent = keep (ferry_run_progress_to_variant (&progress));
  g_assert_true (ferry_run_progress_from_variant (&again, sent, NULL));
  g_assert_cmpstr (progress.text, ==, again.text);
  return TRUE;
}

static gboolean
take_log (GVariant *value, GError **error)
{
  g_autofree char *line = NULL;
  GLogLevelFlags level;

  if (!ferry_run_log_from_variant (value, &level, &line, error))
    return FALSE;
  g_assert_true (level >= G_LOG_LEVEL_WARNING && level <= G_LOG_LEVEL_DEBUG);
  g_assert_true (strlen (line) <= FERRY_MAX_LOG_LINE && g_utf8_validate (line, -1, NULL));
  g_assert_null (strpbrk (line, "\n\r\033"));
  return TRUE;
}

static gboolean
take_number (GVariant *value, GError **error)
{
  guint64 number;

  return ferry_run_number_from_variant (value, G_MAXINT32, &number, error) && number <= G_MAXINT32;
}

static gboolean
take_order (GVariant *value, GError **error)
{
  guint64 xid;
  gint64 number = -1;

  return ferry_run_order_from_variant (value, &xid, &number, error) && number >= 0;
}

static const struct
{
  const char *type;
  gboolean (*take) (GVariant *value, GError **error);
} messages[] = {
  {"(usssasubsasb(tuuutttt))", take_facts},
  {"(ussst)", take_serve},
  {"ay", take_request},
  {"ay", take_progress},
  {"(us)", take_log},
  {"t", take_number},
  {"at", take_order},
};

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  guint kind = size > 0 ? data[0] % G_N_ELEMENTS (messages) : 0;
  g_autoptr (GBytes) bytes = g_bytes_new (data + MIN (size, 1), size - MIN (size, 1));
  g_autoptr (GVariant) value = keep (g_variant_new_from_bytes (G_VARIANT_TYPE (messages[kind].type), bytes, FALSE));
  g_autoptr (GError) error = NULL;

  if (!ferry_depth_check (value, NULL))
    return 0;
  if (messages[kind].take (value, &error))
    fuzz_n_accepted++;
  else if (!g_error_matches (error, FERRY_ERROR, FERRY_ERROR_VERSION))
    g_assert_error (error, FERRY_ERROR, FERRY_ERROR_PROTOCOL);
  return 0;
}
