/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the demo keeps of a task.
 *
 * Owner:      the session, for as long as the task is in the list.
 * Threads:    main only.
 * Invariants: what a function yields and sends only changes figures. A worker that broke the rules of its job is not
 *             listened to any more: its task is cancelled, and shown as failed. What a task has come to is said before
 *             its monitor looks. */

#include "tasks/ferry-demo-card.h"

#include <glib/gi18n.h>

#include "tasks/ferry-demo-words.h"

#define CARD_KEY "ferry-demo-card"

/* Digests of small files come quickly; so many may be on their way. */
#define DIGEST_WINDOW 1024

/* A function that is cancelled has so long for leaving in peace, before its worker is ended. */
#define CANCEL_GRACE G_USEC_PER_SEC

/* A job that hangs ends by itself when it is not cancelled. */
#define HANG_TIMEOUT (600 * G_USEC_PER_SEC)

struct _FerryDemoCard
{
  GObject parent_instance;

  FerryTask *task;
  FerryTaskMonitor *monitor;
  FerryDemoSpec *spec;
  FerryDemoMeter *meter; /* (unowned) outlives the tasks that run */

  FerryDemoReport report;
  GError *breach; /* what the worker sent that it must not */
};

G_DEFINE_FINAL_TYPE (FerryDemoCard, ferry_demo_card, G_TYPE_OBJECT)

/* ---- jobs as tasks, and back ---- */

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

FerryTask *
ferry_demo_card_make_task (const FerryDemoSpec *spec)
{
  FerryTaskKind kind = spec->kind == FERRY_DEMO_KIND_SHA256 ? FERRY_TASK_KIND_ITERATION : FERRY_TASK_KIND_PROGRESS;
  FerryTask *task = ferry_task_new (kind, ferry_demo_spec_get_name (spec), make_arguments (spec));
  g_autofree char *title = ferry_demo_words_for_title (spec);

  /* Where the host of the primes is lost, another one counts them. */
  g_object_set (task, "name", title, "window", DIGEST_WINDOW, "idempotent", spec->kind == FERRY_DEMO_KIND_PRIMES, NULL);
  ferry_task_set_cancel_grace (task, CANCEL_GRACE);
  if (spec->kind == FERRY_DEMO_KIND_HANG)
    ferry_task_set_run_timeout (task, HANG_TIMEOUT);
  return task;
}

/* The job that a task is. One that the executor makes by itself, as another try, has the same function and arguments.
 */
static FerryDemoSpec *
read_spec (FerryTask *task)
{
  g_autoptr (GVariant) arguments = NULL;
  g_autofree char *function = NULL;
  g_autofree char *argument = NULL;
  g_autofree char *word = NULL;
  g_autoptr (GError) error = NULL;
  FerryDemoSpec *spec;

  g_object_get (task, "function", &function, "arguments", &arguments, NULL);
  if (arguments == NULL)
    argument = g_strdup ("");
  else if (!g_variant_is_of_type (arguments, G_VARIANT_TYPE_UINT64))
    argument = g_variant_dup_bytestring (arguments, NULL);
  else if (g_variant_get_uint64 (arguments) == 0)
    argument = g_strdup (FERRY_DEMO_ENDLESS);
  else
    argument = g_strdup_printf ("%" G_GUINT64_FORMAT, g_variant_get_uint64 (arguments));
  word = g_strconcat (function, ":", argument, NULL);
  spec = ferry_demo_spec_parse (word, &error);
  if (spec == NULL)
    g_error ("Task '%s' is no job of the demo: %s", ferry_task_get_name (task), error->message);
  return spec;
}

/* ---- what a task says ---- */

static void
take_result (FerryDemoCard *self)
{
  g_autoptr (GVariant) result = ferry_task_get_result (self->task, NULL);
  g_autofree char *words = NULL;

  if (self->breach != NULL || !ferry_demo_report_take_result (&self->report, self->spec, result, &self->breach))
    return;
  words = ferry_demo_words_for_result (self->spec, &self->report);
  ferry_task_set_outcome (self->task, FERRY_TASK_STATUS_DONE, words);
}

static void
task_state_cb (FerryDemoCard *self)
{
  g_autofree char *words = NULL;

  if (ferry_task_get_state (self->task) == FERRY_TASK_STATE_COMPLETED)
    take_result (self);
  if (self->breach == NULL || !ferry_task_get_done (self->task))
    return;
  words = g_strdup_printf (_ ("%s. Check that worker and application are of the same version."), self->breach->message);
  ferry_task_set_outcome (self->task, FERRY_TASK_STATUS_FAILED, words);
}

static void
check_breach (FerryDemoCard *self)
{
  if (G_UNLIKELY (self->breach != NULL))
    ferry_task_cancel (self->task);
}

static void
yielded_cb (FerryDemoCard *self, GVariant *value)
{
  if (self->breach == NULL)
    ferry_demo_report_take_digest (&self->report, self->spec, value, &self->breach);
  check_breach (self);
}

/* A time of sending from before the task or from the future is as false as a wrong type. */
static void
take_latency (FerryDemoCard *self, gint64 sent)
{
  gint64 now = g_get_monotonic_time ();
  gint64 submitted;

  g_object_get (self->task, "submit-time", &submitted, NULL);
  if (sent < submitted || sent > now)
    g_set_error_literal (&self->breach, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         _ ("The worker sent a message with an impossible time"));
  else
    ferry_demo_meter_add_latency (self->meter, now - sent);
}

static void
message_cb (FerryDemoCard *self, const char *type, GVariant *value)
{
  gint64 sent = 0;

  if (self->breach != NULL)
    return;
  if (ferry_demo_report_take_message (&self->report, self->spec, type, value, &sent, &self->breach) && sent != 0)
    take_latency (self, sent);
  check_breach (self);
}

/* ---- the card ---- */

static void
ferry_demo_card_dispose (GObject *object)
{
  FerryDemoCard *self = FERRY_DEMO_CARD (object);

  g_clear_object (&self->monitor);
  if (self->task != NULL)
    g_object_set_data (G_OBJECT (self->task), CARD_KEY, NULL);
  g_clear_object (&self->task);
  G_OBJECT_CLASS (ferry_demo_card_parent_class)->dispose (object);
}

static void
ferry_demo_card_finalize (GObject *object)
{
  FerryDemoCard *self = FERRY_DEMO_CARD (object);

  ferry_demo_report_clear (&self->report);
  g_clear_pointer (&self->spec, ferry_demo_spec_free);
  g_clear_error (&self->breach);
  G_OBJECT_CLASS (ferry_demo_card_parent_class)->finalize (object);
}

static void
ferry_demo_card_class_init (FerryDemoCardClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_demo_card_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_demo_card_finalize;
}

static void
ferry_demo_card_init (FerryDemoCard *self)
{
  ferry_demo_report_init (&self->report);
}

/* To be called once for a task, before it begins. */
FerryDemoCard *
ferry_demo_card_new (FerryTask *task, FerryDemoMeter *meter)
{
  FerryDemoCard *self = g_object_new (FERRY_DEMO_TYPE_CARD, NULL);

  self->task = g_object_ref (task);
  self->spec = read_spec (task);
  self->meter = meter;
  g_object_set_data (G_OBJECT (task), CARD_KEY, self);

  g_signal_connect_object (task, "notify::state", G_CALLBACK (task_state_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (task, "yielded", G_CALLBACK (yielded_cb), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (task, "message", G_CALLBACK (message_cb), self, G_CONNECT_SWAPPED);
  task_state_cb (self);
  self->monitor = ferry_task_monitor_new (task, NULL);
  return self;
}

/* The task's own card; NULL for a task that is in no list. */
FerryDemoCard *
ferry_demo_card_get (FerryTask *task)
{
  return g_object_get_data (G_OBJECT (task), CARD_KEY);
}

FerryTask *
ferry_demo_card_get_task (FerryDemoCard *self)
{
  return self->task;
}

const FerryDemoSpec *
ferry_demo_card_get_spec (FerryDemoCard *self)
{
  return self->spec;
}

const FerryDemoReport *
ferry_demo_card_get_report (FerryDemoCard *self)
{
  return &self->report;
}

FerryTaskMonitor *
ferry_demo_card_get_monitor (FerryDemoCard *self)
{
  return self->monitor;
}

FerryTaskStatus
ferry_demo_card_get_status (FerryDemoCard *self)
{
  FerryTaskStatus status;

  g_object_get (self->monitor, "status", &status, NULL);
  return status;
}

gboolean
ferry_demo_card_is_over (FerryDemoCard *self)
{
  return ferry_demo_card_get_status (self) >= FERRY_TASK_STATUS_DONE;
}
