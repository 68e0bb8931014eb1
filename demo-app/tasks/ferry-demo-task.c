/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tasks/ferry-demo-task.h"

#include "tasks/ferry-demo-words.h"

/* Digests of small files come quickly; so many may be on their way. */
#define DIGEST_WINDOW 1024

/* A function that is cancelled has so long for leaving in peace, before its worker is ended. */
#define CANCEL_GRACE G_USEC_PER_SEC

/* A job that hangs ends by itself when it is not cancelled. */
#define HANG_TIMEOUT (600 * G_USEC_PER_SEC)

static FerryTaskKind
get_kind (const FerryDemoSpec *spec)
{
  return spec->kind == FERRY_DEMO_KIND_SHA256 ? FERRY_TASK_KIND_ITERATION : FERRY_TASK_KIND_PROGRESS;
}

static GVariant *
make_arguments (const FerryDemoSpec *spec)
{
  switch (spec->kind)
    {
    case FERRY_DEMO_KIND_SHA256:
      return g_variant_new_bytestring (spec->argument);
    case FERRY_DEMO_KIND_PRIMES:
    case FERRY_DEMO_KIND_FLOOD:
      return g_variant_new_uint64 (spec->number);
    case FERRY_DEMO_KIND_CRASH:
    case FERRY_DEMO_KIND_HANG:
      return NULL;
    case FERRY_DEMO_N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

/* Ready to be submitted. */
FerryTask *
ferry_demo_task_new (const FerryDemoSpec *spec)
{
  FerryTask *task = ferry_task_new (get_kind (spec), ferry_demo_spec_get_name (spec), make_arguments (spec));
  g_autofree char *title = ferry_demo_words_for_title (spec);

  /* Where the host of the primes is lost, another one counts them. */
  g_object_set (task, "name", title, "window", DIGEST_WINDOW, "idempotent", spec->kind == FERRY_DEMO_KIND_PRIMES, NULL);
  ferry_task_set_cancel_grace (task, CANCEL_GRACE);
  if (spec->kind == FERRY_DEMO_KIND_HANG)
    ferry_task_set_run_timeout (task, HANG_TIMEOUT);
  return task;
}

/* The job that the task is. */
FerryDemoSpec *
ferry_demo_task_dup_spec (FerryTask *task)
{
  g_autoptr (GVariant) arguments = NULL;
  g_autofree char *function = NULL;
  g_autofree char *argument = NULL;
  g_autoptr (GError) error = NULL;
  FerryDemoSpec *spec = NULL;
  FerryDemoKind kind;

  g_object_get (task, "function", &function, "arguments", &arguments, NULL);
  if (arguments != NULL && g_variant_is_of_type (arguments, G_VARIANT_TYPE_UINT64))
    argument = g_strdup_printf ("%" G_GUINT64_FORMAT, g_variant_get_uint64 (arguments));
  else if (arguments != NULL)
    argument = g_variant_dup_bytestring (arguments, NULL);
  if (ferry_demo_kind_from_name (function, &kind, &error))
    {
      if (kind == FERRY_DEMO_KIND_FLOOD && g_strcmp0 (argument, "0") == 0)
        spec = ferry_demo_spec_new (kind, FERRY_DEMO_ENDLESS, &error);
      else
        spec = ferry_demo_spec_new (kind, argument, &error);
    }
  if (spec == NULL)
    g_error ("Task '%s' is no job of the demo: %s", ferry_task_get_name (task), error->message);
  return spec;
}
