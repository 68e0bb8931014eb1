/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a job says of how far it is. */

#include "config.h"

#include <string.h>

#include "base/ferry-base-private.h"
#include "task/ferry-serve-private.h"

/* What a job reports, before it is scaled. */
typedef struct
{
  double fraction; /* negative: not known */
  guint64 amount;
  guint64 total;
  const char *unit; /* (nullable) */
  const char *text; /* (nullable) */
} Report;

/* With the lock and in a use: writes bytes to the cell, unless they are there already. */
static gboolean
write_locked (FerryJob *self, const guint8 *bytes, gsize size, GError **error)
{
  gboolean written = FALSE;

  if (size == self->reported_size && memcmp (bytes, self->reported, size) == 0)
    return TRUE;
  if (!ferry_serve_report (self->serve, bytes, size, &written, error))
    return FALSE;
  memmove (self->reported, bytes, size);
  self->reported_size = written ? size : 0;
  return TRUE;
}

/* How far the whole is, or -1. */
static double
scale_locked (FerryJob *self, double fraction)
{
  if (fraction >= 0)
    return ferry_progress_parts_scale (&self->parts, fraction);
  /* A part of which nothing is known stands where it is, in a whole of which something is. */
  return ferry_progress_parts_has_part (&self->parts) ? ferry_progress_parts_get_furthest (&self->parts) : -1;
}

static gboolean
report_locked (FerryJob *self, const Report *report, GError **error)
{
  guint8 bytes[FERRY_MAX_PROGRESS_SIZE];
  gsize size = ferry_progress_encode (bytes, ferry_call_get_xid (self->call), scale_locked (self, report->fraction),
                                      report->amount, report->total, report->unit, report->text);

  return write_locked (self, bytes, size, error);
}

static gboolean
report_once (FerryJob *self, const Report *report, GError **error)
{
  gboolean reported = FALSE;

  if (!ferry_job_begin_use (self, error))
    return FALSE;
  if (ferry_job_check_in_use (self, error))
    {
      pthread_mutex_lock (&self->lock);
      reported = report_locked (self, report, error);
      pthread_mutex_unlock (&self->lock);
    }
  ferry_job_end_use (self);
  return reported;
}

/**
 * ferry_job_report:
 * @self: a job
 * @fraction: how much is done, from 0 to 1; a negative number when nobody knows
 * @text: (nullable): what is being done, for people
 * @error: return location for an error
 *
 * Reports how far the job is. Never waits, and never fills anything up: of reports that come faster than the
 * application looks, it sees the latest. So report as often as there is something to say.
 *
 * Between [method@Ferry.Job.begin_part] and [method@Ferry.Job.end_part], @fraction is of the part. The whole never goes
 * back, whatever is reported.
 *
 * Any thread may call this.
 *
 * Fails as [method@Ferry.Job.check] does, so a function that reports need not look elsewhere, and with
 * %FERRY_ERROR_CLOSED when nobody listens any more.
 *
 * Returns: %TRUE when the function may go on
 *
 * Since: 0.1
 */
gboolean
ferry_job_report (FerryJob *self, double fraction, const char *text, GError **error)
{
  const Report report = {.fraction = fraction, .text = text};

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return report_once (self, &report, error);
}

/**
 * ferry_job_report_amount:
 * @self: a job
 * @amount: how much is done
 * @total: how much there is to do, or 0 when nobody knows
 * @unit: (nullable): what is counted, such as `bytes`; up to 63 bytes of it are shown
 * @text: (nullable): what is being done, for people
 * @error: return location for an error
 *
 * Reports how far the job is, as an amount. Otherwise as [method@Ferry.Job.report]. Any thread may call this.
 *
 * Fails as [method@Ferry.Job.check] does, and with %FERRY_ERROR_CLOSED when nobody listens any more.
 *
 * Returns: %TRUE when the function may go on
 *
 * Since: 0.1
 */
gboolean
ferry_job_report_amount (FerryJob *self, guint64 amount, guint64 total, const char *unit, const char *text,
                         GError **error)
{
  Report report = {.fraction = -1, .amount = amount, .total = total, .unit = unit, .text = text};

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (total > 0)
    {
      report.amount = MIN (amount, total);
      report.fraction = (double) report.amount / (double) total;
    }
  return report_once (self, &report, error);
}

/**
 * ferry_job_begin_part:
 * @self: a job
 * @weight: how much of the whole the part is, from 0 to 1; within another part, how much of that one
 *
 * Begins a part of the job. What is reported until [method@Ferry.Job.end_part] is of the part, and counts as much as
 * the part does. Parts may have parts. They lie one behind the other, behind what was reported before, and a part that
 * is larger than what is left gets what is left.
 *
 * Any thread may call this; a job has one innermost part at a time, whichever thread began it.
 *
 * Since: 0.1
 */
void
ferry_job_begin_part (FerryJob *self, double weight)
{
  g_return_if_fail (FERRY_IS_JOB (self));
  g_return_if_fail (weight >= 0 && weight <= 1);

  pthread_mutex_lock (&self->lock);
  ferry_progress_parts_begin (&self->parts, weight);
  pthread_mutex_unlock (&self->lock);
}

/* With the lock and in a use: writes the latest report again, with the whole's fraction as it is now. */
static void
report_part_locked (FerryJob *self)
{
  guint8 bytes[FERRY_MAX_PROGRESS_SIZE];
  gsize size = self->reported_size;
  FerryProgressHeader header;

  if (size == 0)
    size = ferry_progress_encode (bytes, ferry_call_get_xid (self->call), 0, 0, 0, NULL, NULL);
  else
    memcpy (bytes, self->reported, size);
  memcpy (&header, bytes, sizeof header);
  header.fraction = ferry_progress_parts_get_furthest (&self->parts);
  memcpy (bytes, &header, sizeof header);
  write_locked (self, bytes, size, NULL);
}

/**
 * ferry_job_end_part:
 * @self: a job
 *
 * Ends the innermost part, which is then complete, however far it was reported to be. Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_job_end_part (FerryJob *self)
{
  gboolean in_part;

  g_return_if_fail (FERRY_IS_JOB (self));

  if (!ferry_job_begin_use (self, NULL))
    return;
  pthread_mutex_lock (&self->lock);
  in_part = ferry_progress_parts_end (&self->parts);
  if (in_part)
    report_part_locked (self);
  pthread_mutex_unlock (&self->lock);
  ferry_job_end_use (self);
  ferry_return_if_fail (in_part, "no part was begun; call ferry_job_begin_part() before");
}

/**
 * ferry_job_set_n_steps:
 * @self: a job
 * @n_steps: how many steps there will be
 *
 * Says how many steps the job has, before the first, or when the number changes. For tasks of the kind
 * %FERRY_TASK_KIND_STEPS. Any thread may call this.
 *
 * Since: 0.1
 */
void
ferry_job_set_n_steps (FerryJob *self, guint n_steps)
{
  g_return_if_fail (FERRY_IS_JOB (self));

  pthread_mutex_lock (&self->lock);
  self->n_steps = n_steps;
  self->n_steps_done = MIN (self->n_steps_done, n_steps);
  pthread_mutex_unlock (&self->lock);
}

static gboolean
may_step (FerryJob *self, GError **error)
{
  if (self->kind == FERRY_TASK_KIND_STEPS)
    return TRUE;
  g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
               "The function “%s” goes in steps, and its task does not; submit it with FERRY_TASK_KIND_STEPS",
               ferry_job_get_function_name (self));
  return FALSE;
}

static gboolean
step_locked (FerryJob *self, const char *text, GError **error)
{
  Report report = {.unit = "steps", .text = text};

  if (self->n_steps == 0)
    {
      g_set_error (error, FERRY_ERROR, FERRY_ERROR_BAD_ARGUMENTS,
                   "The function “%s” goes in steps and did not say how many; call ferry_job_set_n_steps() first",
                   ferry_job_get_function_name (self));
      return FALSE;
    }
  self->n_steps_done = MIN (self->n_steps_done + 1, self->n_steps);
  report.amount = self->n_steps_done;
  report.total = self->n_steps;
  report.fraction = (double) report.amount / (double) report.total;
  return report_locked (self, &report, error);
}

/**
 * ferry_job_step:
 * @self: a job
 * @text: (nullable): what was done, for people
 * @error: return location for an error
 *
 * Reports that one more step is done, of as many as [method@Ferry.Job.set_n_steps] said. Any thread may call this.
 *
 * Fails as [method@Ferry.Job.report] does, and with %FERRY_ERROR_BAD_ARGUMENTS when the task is not of the kind
 * %FERRY_TASK_KIND_STEPS, or the number of steps was not said.
 *
 * Returns: %TRUE when the function may go on
 *
 * Since: 0.1
 */
gboolean
ferry_job_step (FerryJob *self, const char *text, GError **error)
{
  gboolean stepped = FALSE;

  g_return_val_if_fail (FERRY_IS_JOB (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!may_step (self, error) || !ferry_job_begin_use (self, error))
    return FALSE;
  if (ferry_job_check_in_use (self, error))
    {
      pthread_mutex_lock (&self->lock);
      stepped = step_locked (self, text, error);
      pthread_mutex_unlock (&self->lock);
    }
  ferry_job_end_use (self);
  return stepped;
}
