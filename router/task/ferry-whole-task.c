/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A task that stands for a map or a group: windows show it as they show any other.
 *
 * No worker runs it. It has a source of its own, which has its parts do what the task is asked for.
 *
 * Owner:     counted references. The task keeps the map or the group until it is done, and is not kept by it.
 * Threads:   the router's.
 * Invariant: the task is done if and only if it has no parts. */

#include "config.h"

#include "task/ferry-whole-task-private.h"

#include "task/ferry-iterate-private.h"
#include "task/ferry-task-private.h"
#include "wire/ferry-progress-private.h"
#include "wire/ferry-remote-error-private.h"

#define FAILURE_TYPE "(tss)"

/* ---- what has failed ---- */

void
ferry_failures_add (FerryFailures *self, guint64 number, const char *name, const GError *error)
{
  GVariant *failure;

  if (self->n++ == 0)
    {
      self->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
      self->first = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
    }
  if (self->first->len == FERRY_MAX_FAILURES)
    return;
  failure = g_variant_new (FAILURE_TYPE, number, name != NULL ? name : "", error->message);
  g_ptr_array_add (self->first, g_variant_ref_sink (failure));
  g_ptr_array_add (self->errors, ferry_error_copy (error));
}

/* (transfer full): what failed first, and how. */
static char *
describe_first (const FerryFailures *self)
{
  const char *name, *message;
  guint64 number;

  g_variant_get (g_ptr_array_index (self->first, 0), "(t&s&s)", &number, &name, &message);
  return *name != '\0' ? g_strdup_printf ("%s: %s", name, message)
                       : g_strdup_printf ("Item %" G_GUINT64_FORMAT ": %s", number, message);
}

/* Returns (transfer full) one error for all, for logs; that of a single failure has its domain and code. unit:
 * (nullable): what the parts are. There must be a failure. */
static GError *
dup_error (const FerryFailures *self, guint64 n_parts, const char *unit)
{
  const GError *error = g_ptr_array_index (self->errors, 0);
  g_autofree char *first = NULL;

  if (n_parts == 1)
    return ferry_error_copy (error);
  first = describe_first (self);
  if (self->n == 1)
    return g_error_new_literal (error->domain, error->code, first);
  return g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
                      "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT "%s%s failed, the first of them so: %s", self->n,
                      n_parts, unit != NULL ? " " : "", unit != NULL ? unit : "", first);
}

/* Returns a floating value of FerryTask:failures. There must be a failure. */
static GVariant *
to_variant (const FerryFailures *self, guint64 n_parts)
{
  return g_variant_new ("(tt@a" FAILURE_TYPE ")", self->n, n_parts,
                        g_variant_new_array (NULL, (GVariant *const *) self->first->pdata, self->first->len));
}

void
ferry_failures_clear (FerryFailures *self)
{
  g_clear_pointer (&self->first, g_ptr_array_unref);
  g_clear_pointer (&self->errors, g_ptr_array_unref);
}

/* ---- the task ---- */

typedef struct
{
  FerryTaskSource source;           /* const */
  const FerryWholeParts *functions; /* const */
  gpointer parts;                   /* (owned) (nullable) */
  FerryAffinity *affinity;          /* const (owned) */
  char *unit;                       /* const (nullable) */
} FerryWholeTaskPrivate;

G_DEFINE_TYPE_WITH_PRIVATE (FerryWholeTask, ferry_whole_task, FERRY_TYPE_TASK)

static FerryWholeTaskPrivate *
get_private (gpointer self)
{
  return ferry_whole_task_get_instance_private (self);
}

gpointer
ferry_whole_task_get_parts (FerryWholeTask *self)
{
  return get_private (self)->parts;
}

static void
release (FerryWholeTask *self)
{
  FerryWholeTaskPrivate *priv = get_private (self);
  g_autoptr (GObject) parts = g_steal_pointer (&priv->parts);

  if (parts != NULL)
    priv->functions->release (self, parts);
}

void
ferry_whole_task_start (FerryWholeTask *self)
{
  if (ferry_task_get_state (FERRY_TASK (self)) == FERRY_TASK_STATE_WAITING)
    ferry_run_start (ferry_task_get_run (FERRY_TASK (self)), -1, NULL);
}

void
ferry_whole_task_report (FerryWholeTask *self, double fraction, guint64 n_done, guint64 n_parts, gboolean may_fall)
{
  const char *unit = get_private (self)->unit;
  FerryProgress progress = {.fraction = fraction, .may_fall = may_fall};

  if (unit != NULL)
    ferry_progress_set_amount (&progress, n_done, n_parts, unit);
  ferry_run_take_progress (ferry_task_get_run (FERRY_TASK (self)), &progress);
}

void
ferry_whole_task_finish (FerryWholeTask *self, gboolean was_cancelled, GError *error, const FerryFailures *failures,
                         guint64 n_parts)
{
  g_autoptr (FerryTask) task = g_object_ref (FERRY_TASK (self));

  release (self);
  ferry_whole_task_start (self);
  if (was_cancelled)
    ferry_task_cancel (task);
  if (ferry_task_get_state (task) == FERRY_TASK_STATE_CANCELLING)
    {
      g_clear_error (&error);
      ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_LOST, NULL, NULL, NULL);
      return;
    }
  if (error == NULL && failures->n > 0)
    {
      error = dup_error (failures, n_parts, get_private (self)->unit);
      ferry_task_take_failures (task, to_variant (failures, n_parts), failures->errors);
    }
  if (error != NULL)
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, error, NULL, NULL);
  else
    ferry_run_complete (ferry_task_get_run (task), NULL);
}

/* ---- the source ---- */

/* A task that has not begun is done; one that has waits for its parts. */
static void
cancelled (FerryTaskSource *source, FerryRun *run)
{
  const FerryWholeTaskPrivate *priv = get_private (run->owner);
  g_autoptr (GObject) parts = priv->parts != NULL ? g_object_ref (priv->parts) : NULL;

  if (ferry_run_get_done (run))
    release (run->owner);
  if (parts != NULL)
    priv->functions->cancel (parts);
}

static gboolean
is_done (gpointer task)
{
  return ferry_task_get_done (task);
}

static gboolean
wait_for (FerryTaskSource *source, FerryTask *task, gint64 timeout, GError **error)
{
  GMainContext *context = ferry_affinity_get_context (get_private (task)->affinity);
  g_autofree char *what = g_strdup_printf ("Task '%s' was not done", ferry_task_get_name (task));

  return ferry_iterate_until (NULL, context, is_done, task, timeout, what, error);
}

static void
pause_changed (FerryTaskSource *source, FerryRun *run)
{
  const FerryWholeTaskPrivate *priv = get_private (run->owner);

  if (priv->parts != NULL)
    priv->functions->set_paused (priv->parts, run->paused);
}

/* ---- the object ---- */

static void
ferry_whole_task_dispose (GObject *object)
{
  release (FERRY_WHOLE_TASK (object));
  G_OBJECT_CLASS (ferry_whole_task_parent_class)->dispose (object);
}

static void
ferry_whole_task_finalize (GObject *object)
{
  FerryWholeTaskPrivate *priv = get_private (object);

  g_clear_pointer (&priv->affinity, ferry_affinity_unref);
  g_free (priv->unit);
  G_OBJECT_CLASS (ferry_whole_task_parent_class)->finalize (object);
}

static void
ferry_whole_task_class_init (FerryWholeTaskClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_whole_task_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_whole_task_finalize;
}

static void
ferry_whole_task_init (FerryWholeTask *self)
{
}

gpointer
ferry_whole_task_new (GType type, const FerryWholeParts *functions, gpointer parts, FerryAffinity *affinity,
                      const char *name, const char *unit)
{
  FerryTask *task = g_object_new (type, NULL);
  FerryWholeTaskPrivate *priv = get_private (task);

  priv->source = (FerryTaskSource){.cancelled = cancelled, .pause_changed = pause_changed, .wait = wait_for};
  priv->functions = functions;
  priv->parts = g_object_ref (parts);
  priv->affinity = ferry_affinity_ref (affinity);
  priv->unit = g_strdup (unit);
  ferry_task_set_up (task, FERRY_TASK_KIND_PROGRESS, "", NULL);
  /* The parts hear of each pause, and say nothing while none of them ends. */
  g_object_set (task, "name", name, "stoppable", TRUE, NULL);
  ferry_task_submit_to (task, &priv->source, affinity, NULL);
  return task;
}
