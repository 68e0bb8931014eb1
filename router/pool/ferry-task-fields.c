/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The settings of a task, a row each: from this table come the properties of FerryTask, and what goes with a task to a
 * queue's file, to its hosts, and to a host of a cluster.
 *
 * What is packed has names, so that a later version may have more of them, and has none for what has its default.
 *
 * Threads: any.
 * Trust:   what is unpacked may come of another machine: types and ranges are checked. */

#include "config.h"

#include "pool/ferry-task-fields-private.h"

#include "base/ferry-property-private.h"
#include "wire/ferry-lane-layout.h"

const FerryTaskSettings ferry_default_task_settings = {
  .cancel_grace = FERRY_DEFAULT_CANCEL_GRACE,
  .window = FERRY_DEFAULT_WINDOW,
};

typedef struct
{
  const char *name;
  GType type;
  gsize offset;
  gint64 minimum;
  gint64 maximum;
  guint places; /* of FerryTaskFieldsPlace */
} Field;

#define OFFSET(field) G_STRUCT_OFFSET (FerryTaskSettings, field)
#define FILE FERRY_TASK_FIELDS_OF_FILE
#define STREAM FERRY_TASK_FIELDS_OF_STREAM
#define SESSION FERRY_TASK_FIELDS_OF_SESSION
#define EVERYWHERE (FILE | STREAM | SESSION)

static const Field fields[] = {
  /**
   * FerryTask:deadline:
   *
   * The monotonic time, in microseconds, at which the task fails with %FERRY_ERROR_TIMED_OUT if it waits, and ends as
   * by [property@Ferry.Task:run-timeout] if it executes; 0 for none. The function finds the earlier time of this and
   * the end of the run timeout in [property@Ferry.Job:deadline]. A queue in a file stores it as a time of the wall
   * clock, so that it is the same time after a restart.
   */
  {"deadline", G_TYPE_INT64, OFFSET (deadline), 0, G_MAXINT64, EVERYWHERE},
  /**
   * FerryTask:run-timeout: (setter set_run_timeout)
   *
   * How long one attempt may run, in microseconds; 0 for no limit. The end of the time is as a cancel: the function is
   * asked to stop, and its worker is ended if it does not within [property@Ferry.Task:cancel-grace]. Then the task
   * fails with %FERRY_ERROR_TIMED_OUT, and nothing of this attempt runs any more.
   */
  {"run-timeout", G_TYPE_INT64, OFFSET (run_timeout), 0, G_MAXINT64, EVERYWHERE},
  /**
   * FerryTask:queue-timeout:
   *
   * How long the task may wait, in microseconds from its submission; 0 for no limit. When the time is over, the task
   * fails with %FERRY_ERROR_QUEUE_TIMED_OUT. In a queue in a file it counts while the application does not run, too,
   * and not before [property@Ferry.Task:not-before].
   */
  {"queue-timeout", G_TYPE_INT64, OFFSET (queue_timeout), 0, G_MAXINT64, FILE | STREAM},
  /**
   * FerryTask:cancel-grace: (setter set_cancel_grace)
   *
   * The grace time, in microseconds: how long the function may continue after a cancel, or after its time is over.
   * After half of it, the worker process gets `SIGTERM`. At its end, the worker is killed. The default is 2 seconds,
   * and with it, a function that runs programs ([method@Ferry.Job.run_command]) has 10.
   */
  {"cancel-grace", G_TYPE_INT64, OFFSET (cancel_grace), 0, G_MAXINT64, EVERYWHERE},
  /**
   * FerryTask:retries:
   *
   * How often the task is tried again when its worker is lost. With 3 it is begun at most four times, and then fails
   * with %FERRY_ERROR_WORKER_LOST. Use this only for functions that are safe to repeat: the lost worker may have done
   * any part of the work. A function that returns an error is never repeated. A cluster may run an idempotent task more
   * often ([property@Ferry.Task:idempotent]).
   */
  {"retries", G_TYPE_UINT, OFFSET (retries), 0, G_MAXUINT, FILE | STREAM},
  /**
   * FerryTask:retry-pause:
   *
   * How long the task rests between an attempt whose worker was lost and the next one, in microseconds; 0 for no pause.
   * Others pass it meanwhile. [property@Ferry.Task:not-before] and [method@Ferry.Task.get_text] then tell until when it
   * waits; %G_MAXINT64 is never by itself. The pause does not count for [property@Ferry.Task:queue-timeout], and a
   * deadline does not move. A queue in a file keeps the time over an end of the application. It has an effect with
   * [property@Ferry.Task:retries], or where a cluster runs an idempotent task again.
   */
  {"retry-pause", G_TYPE_INT64, OFFSET (retry_pause), 0, G_MAXINT64, FILE | STREAM},
  /**
   * FerryTask:max-retry-pause:
   *
   * How long a pause between two attempts may become, in microseconds: each is twice as long as the one before it, and
   * the first is [property@Ferry.Task:retry-pause]. With a pause of 1 second and a maximum of 5, the task rests for 1,
   * 2, 4, 5, 5 seconds and so on, which gives a server that is down the time to come back. With 0, all are alike.
   */
  {"max-retry-pause", G_TYPE_INT64, OFFSET (max_retry_pause), 0, G_MAXINT64, FILE | STREAM},
  /**
   * FerryTask:idempotent:
   *
   * Whether the function does no harm when it runs again, also while an earlier run of it still goes on elsewhere. A
   * runner with workers on other machines runs such a task again when it does not know what became of it. The task gets
   * one result. Any other task fails then with %FERRY_ERROR_WORKER_LOST. On this machine it is always known. There only
   * [property@Ferry.Task:retries] says how often a task is tried again when its worker is lost.
   */
  {"idempotent", G_TYPE_BOOLEAN, OFFSET (idempotent), FALSE, TRUE, EVERYWHERE},
  /**
   * FerryTask:stoppable:
   *
   * Whether the process group of the task's worker may be stopped while the task is paused ([method@Ferry.Task.pause]),
   * where the function has not heard of the pause within a second. Set it for functions that do not report and do not
   * check for a cancel for long. A window does not say of such a task that it does not respond.
   *
   * Do not set it where the function may hold a lock that others need, such as that of a file or a database: it would
   * hold the lock until the task goes on, and the application may need it for that. A thread is never stopped.
   */
  {"stoppable", G_TYPE_BOOLEAN, OFFSET (stoppable), FALSE, TRUE, EVERYWHERE},
  /**
   * FerryTask:max-returned-descriptors:
   *
   * How many descriptors and transports the function may return by [method@Ferry.Job.return_descriptor] and
   * [method@Ferry.Job.return_transport]. The task keeps those that come, until it is dropped. With a number above 0 the
   * task may be given one descriptor less ([method@Ferry.Task.add_descriptor]), and no cluster can run it.
   */
  {"max-returned-descriptors", G_TYPE_UINT, OFFSET (max_returned_descriptors), 0, FERRY_MAX_FDS_PER_LINK, FILE},
  /**
   * FerryTask:interactive:
   *
   * Whether the application answers what the function asks ([method@Ferry.Job.ask]), or a program that it runs. Then
   * [signal@Ferry.Task::asks] is emitted for each question. The task may be given one descriptor less
   * ([method@Ferry.Task.add_descriptor]). On another machine, nobody is asked.
   */
  {"interactive", G_TYPE_BOOLEAN, OFFSET (interactive), FALSE, TRUE, FILE},
  /**
   * FerryTask:window:
   *
   * How many values that the function yielded may wait for their handlers. When that many wait, the function waits in
   * [method@Ferry.Job.yield].
   */
  {"window", G_TYPE_UINT, OFFSET (window), 1, G_MAXUINT16, FILE},
  /**
   * FerryTask:holds-window:
   *
   * Whether a value that the function yielded is one of the [property@Ferry.Task:window] until
   * [method@Ferry.Task.consume] says that it was used. Otherwise it is one until its handlers have returned.
   */
  {"holds-window", G_TYPE_BOOLEAN, OFFSET (holds_window), FALSE, TRUE, FILE},
};

G_STATIC_ASSERT (G_N_ELEMENTS (fields) == FERRY_N_TASK_FIELDS);

static gint64
read_field (const FerryTaskSettings *settings, const Field *field)
{
  gconstpointer place = G_STRUCT_MEMBER_P (settings, field->offset);

  if (field->type == G_TYPE_INT64)
    return *(const gint64 *) place;
  return field->type == G_TYPE_UINT ? (gint64) * (const guint *) place : *(const gboolean *) place;
}

static void
write_field (FerryTaskSettings *settings, const Field *field, gint64 value)
{
  gpointer place = G_STRUCT_MEMBER_P (settings, field->offset);

  if (field->type == G_TYPE_INT64)
    *(gint64 *) place = value;
  else if (field->type == G_TYPE_UINT)
    *(guint *) place = (guint) value;
  else
    *(gboolean *) place = value != 0;
}

GParamSpec *
ferry_task_field_new_property (guint field)
{
  const Field *row = &fields[field];
  const gint64 usual = read_field (&ferry_default_task_settings, row);

  if (row->type == G_TYPE_INT64)
    return g_param_spec_int64 (row->name, NULL, NULL, row->minimum, row->maximum, usual, FERRY_SETTABLE);
  if (row->type == G_TYPE_UINT)
    return g_param_spec_uint (row->name, NULL, NULL, (guint) row->minimum, (guint) row->maximum, (guint) usual,
                              FERRY_SETTABLE);
  return g_param_spec_boolean (row->name, NULL, NULL, usual != 0, FERRY_SETTABLE);
}

gsize
ferry_task_field_get_offset (guint field)
{
  return fields[field].offset;
}

/* ---- packed ---- */

void
ferry_task_fields_pack (const FerryTaskSettings *self, FerryTaskFieldsPlace place, GVariantBuilder *builder)
{
  for (guint i = 0; i < FERRY_N_TASK_FIELDS; i++)
    {
      const gint64 value = read_field (self, &fields[i]);
      GVariant *packed;

      if ((fields[i].places & place) == 0 || value == read_field (&ferry_default_task_settings, &fields[i]))
        continue;
      if (fields[i].type == G_TYPE_INT64)
        packed = g_variant_new_int64 (value);
      else
        packed =
          fields[i].type == G_TYPE_UINT ? g_variant_new_uint32 ((guint32) value) : g_variant_new_boolean (value != 0);
      g_variant_builder_add (builder, "{sv}", fields[i].name, packed);
    }
}

static gboolean
unpack_field (FerryTaskSettings *self, const Field *field, GVariant *packed)
{
  gint64 value;

  if (field->type == G_TYPE_INT64 && g_variant_is_of_type (packed, G_VARIANT_TYPE_INT64))
    value = g_variant_get_int64 (packed);
  else if (field->type == G_TYPE_UINT && g_variant_is_of_type (packed, G_VARIANT_TYPE_UINT32))
    value = g_variant_get_uint32 (packed);
  else if (field->type == G_TYPE_BOOLEAN && g_variant_is_of_type (packed, G_VARIANT_TYPE_BOOLEAN))
    value = g_variant_get_boolean (packed);
  else
    return FALSE;
  if (value < field->minimum || value > field->maximum)
    return FALSE;
  write_field (self, field, value);
  return TRUE;
}

gboolean
ferry_task_fields_unpack (FerryTaskSettings *self, FerryTaskFieldsPlace place, GVariant *packed)
{
  GVariantIter iter;
  GVariant *value;
  const char *name;
  gboolean is_good = TRUE;

  *self = ferry_default_task_settings;
  if (packed == NULL)
    return TRUE;
  g_variant_iter_init (&iter, packed);
  while (is_good && g_variant_iter_next (&iter, "{&sv}", &name, &value))
    {
      for (guint i = 0; i < FERRY_N_TASK_FIELDS; i++)
        if ((fields[i].places & place) != 0 && g_str_equal (name, fields[i].name))
          is_good = unpack_field (self, &fields[i], value);
      g_variant_unref (value);
    }
  return is_good;
}
