/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "task/lone-task.h"

static void
take_back (FerryTaskDestination *destination, FerryRun *run)
{
  TaskTestExecutor *executor = (TaskTestExecutor *) run->source;

  if (executor->has_begun)
    g_assert_true (ferry_run_start (run, 77, NULL));
  else
    run->destination = NULL;
}

static void
add_window (FerryTaskDestination *destination, FerryRun *run, guint n)
{
  ((TaskTestExecutor *) run->source)->n_consumed += n;
}

static const FerryTaskDestinationFuncs destination_funcs = {.take_back = take_back, .add_window = add_window};

static void
cancelled (FerryTaskSource *source, FerryRun *run)
{
  TaskTestExecutor *executor = (TaskTestExecutor *) source;

  executor->n_cancelled++;
  executor->state_then = ferry_run_get_state (run);
  if (executor->ends_at_once && ferry_run_get_state (run) == FERRY_TASK_STATE_CANCELLING)
    g_assert_true (ferry_run_fail (run, FERRY_TASK_EVENT_LOST, task_test_error ("gone"), NULL, NULL));
}

static void
pause_changed (FerryTaskSource *source, FerryRun *run)
{
}

static gboolean
wait_for (FerryTaskSource *source, FerryTask *task, gint64 timeout, GError **error)
{
  TaskTestExecutor *executor = (TaskTestExecutor *) source;

  executor->n_waits++;
  if (executor->completes_waits)
    return ferry_run_start (ferry_task_get_run (task), 77, NULL) &&
           ferry_run_complete (ferry_task_get_run (task), g_variant_new_uint32 (42));
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_TIMED_OUT, "%" G_GINT64_FORMAT " microseconds are over", timeout);
  return FALSE;
}

void
task_test_executor_init (TaskTestExecutor *executor)
{
  executor->source = (FerryTaskSource){.cancelled = cancelled, .pause_changed = pause_changed, .wait = wait_for};
}

gboolean
task_test_submit (FerryTask *task, TaskTestExecutor *executor, GError **error)
{
  static FerryTaskDestination destination = {&destination_funcs};

  if (executor->source.cancelled == NULL)
    task_test_executor_init (executor);
  if (!ferry_task_submit_to (task, &executor->source, executor->home, error))
    return FALSE;
  if (!executor->waits)
    ferry_task_get_run (task)->destination = &destination;
  return TRUE;
}

FerryTask *
task_test_new (TaskTestExecutor *executor)
{
  FerryTask *task = ferry_task_new (FERRY_TASK_KIND_ITERATION, "sum", g_variant_new ("(uu)", 12, 30));
  g_autoptr (GError) error = NULL;

  if (executor == NULL)
    return task;
  task_test_submit (task, executor, &error);
  g_assert_no_error (error);
  return task;
}

FerryTask *
task_test_new_executing (TaskTestExecutor *executor)
{
  FerryTask *task = task_test_new (executor);

  g_assert_true (ferry_run_start (ferry_task_get_run (task), 77, NULL));
  return task;
}

void
task_test_move (FerryTask *task, const char *host_name)
{
  g_assert_true (ferry_run_give_back (ferry_task_get_run (task)));
  g_assert_true (ferry_run_start (ferry_task_get_run (task), 78, host_name));
}

FerryProgress
task_test_progress (double fraction, const char *text)
{
  FerryProgress progress = {.fraction = fraction};

  g_strlcpy (progress.text, text != NULL ? text : "", sizeof progress.text);
  return progress;
}

GError *
task_test_error (const char *message)
{
  return g_error_new_literal (G_FILE_ERROR, G_FILE_ERROR_NOSPC, message);
}

void
task_test_fail_for_parts (FerryTask *task, guint64 n_failed, guint64 n_parts, const char *message)
{
  g_autoptr (GPtrArray) errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  GVariant *known =
    g_variant_new ("(tt@a(tss))", n_failed, n_parts, g_variant_new_parsed ("[(uint64 11, '', %s)]", message));

  g_ptr_array_add (errors, task_test_error (message));
  ferry_task_take_failures (task, known, errors);
  g_assert_true (
    ferry_run_fail (ferry_task_get_run (task), FERRY_TASK_EVENT_ERROR, task_test_error (message), NULL, NULL));
}

static void
note (TaskTestEar *ear, const char *word, const char *detail)
{
  g_string_append_printf (ear->heard, "%s%s%s", ear->heard->len > 0 ? " " : "", word, detail);
}

static void
notify_cb (FerryTask *task, GParamSpec *pspec, TaskTestEar *ear)
{
  note (ear, pspec->name, "");
}

static void
progress_cb (FerryTask *task, TaskTestEar *ear)
{
  note (ear, "progress!", "");
}

static void
yielded_cb (FerryTask *task, GVariant *value, TaskTestEar *ear)
{
  note (ear, "yielded!", "");
}

static void
message_cb (FerryTask *task, const char *type, GVariant *value, TaskTestEar *ear)
{
  note (ear, "message!", type);
}

static void
done_cb (FerryTask *task, TaskTestEar *ear)
{
  note (ear, "done!", "");
}

TaskTestEar *
task_test_ear_new (FerryTask *task)
{
  TaskTestEar *ear = g_new0 (TaskTestEar, 1);

  ear->task = g_object_ref (task);
  ear->heard = g_string_new (NULL);
  g_signal_connect (task, "notify", G_CALLBACK (notify_cb), ear);
  g_signal_connect (task, "progress", G_CALLBACK (progress_cb), ear);
  g_signal_connect (task, "yielded", G_CALLBACK (yielded_cb), ear);
  g_signal_connect (task, "message", G_CALLBACK (message_cb), ear);
  g_signal_connect (task, "done", G_CALLBACK (done_cb), ear);
  return ear;
}

void
task_test_ear_free (TaskTestEar *ear)
{
  g_signal_handlers_disconnect_by_data (ear->task, ear);
  g_object_unref (ear->task);
  g_string_free (ear->heard, TRUE);
  g_free (ear);
}

static char *
describe_value (const GValue *value)
{
  if (G_VALUE_HOLDS_VARIANT (value) && g_value_get_variant (value) != NULL)
    return g_variant_print (g_value_get_variant (value), TRUE);
  if (G_VALUE_HOLDS (value, G_TYPE_ERROR) && g_value_get_boxed (value) != NULL)
    return g_strdup (((GError *) g_value_get_boxed (value))->message);
  if (G_VALUE_HOLDS (value, FERRY_TYPE_EXIT) && g_value_get_object (value) != NULL)
    return g_strdup (ferry_exit_get_message (g_value_get_object (value)));
  return g_strdup_value_contents (value);
}

/* By the properties, so that each of them is read as well. */
char *
task_test_describe (FerryTask *task)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (task), NULL);

  for (guint i = 0; pspecs[i] != NULL; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *contents = NULL;

      /* They may come behind the task's end, and change nothing. */
      if (g_str_equal (pspecs[i]->name, "late-error") || g_str_equal (pspecs[i]->name, "last-lines"))
        continue;
      g_object_get_property (G_OBJECT (task), pspecs[i]->name, &value);
      contents = describe_value (&value);
      g_string_append_printf (text, "%s=%s\n", pspecs[i]->name, contents);
    }
  return g_strdup (text->str);
}
