/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far a command is, as its job reports it: some ten times a second, what a ProgressReader has of its output, or a
 * ProgressPosition of its files.
 *
 * Until the command has succeeded, no report says that all is done: a program that has said 100 % may fail yet.
 *
 * Threads: the one that runs the function. */

#include "command-progress.h"

#include <math.h>

#include "command-processes.h"
#include "progress-position.h"

/* The least time between two reports, in microseconds. */
#define PACE (100 * 1000)

/* The least total of which each whole number is a step of a bar. */
#define FINE_TOTAL 100

/* How long nothing comes until a piece without an end is read. */
#define SILENCE (50 * 1000)

/* The time between two looks at the files of the command. */
#define LOOK (200 * 1000)

#define NEVER G_MAXINT64

struct _CommandProgress
{
  FerryJob *job;                 /* (unowned) */
  const CommandOptions *options; /* (unowned) */
  ProgressReader *reader;        /* (owned) */
  ProgressPosition *position;    /* (owned) */
  gint64 next_report;            /* the earliest */
  gint64 next_look;              /* at files */
  gint64 silent_at;              /* when what was read last is read without its end; NEVER: it was */
  gboolean has_news;             /* read since the last report */
  gboolean is_taken_back;        /* the job was told that it has no bar any more */
};

G_STATIC_ASSERT ((int) PROGRESS_POSITION == (int) FERRY_COMMAND_PROGRESS_POSITION);

CommandProgress *
command_progress_new (FerryJob *job, const CommandOptions *options, GError **error)
{
  g_autoptr (CommandProgress) self = g_new0 (CommandProgress, 1);
  gboolean names_file = options->progress == FERRY_COMMAND_PROGRESS_POSITION && options->progress_pattern != NULL;

  self->job = job;
  self->options = options;
  self->silent_at = NEVER;
  self->reader = progress_reader_new ((ProgressKind) options->progress, options->progress_pattern, options->total,
                                      options->argv, options->progress_program, options->directory, error);
  if (self->reader == NULL)
    return NULL;
  if (names_file)
    {
      g_autofree char *path = g_canonicalize_filename (options->progress_pattern, options->directory);
      const char *const paths[] = {path, NULL};

      self->position = progress_position_new (paths);
    }
  else
    self->position = progress_position_new (progress_reader_get_files (self->reader));
  return g_steal_pointer (&self);
}

void
command_progress_free (CommandProgress *self)
{
  g_clear_pointer (&self->reader, progress_reader_free);
  g_clear_pointer (&self->position, progress_position_free);
  g_free (self);
}

void
command_progress_feed (CommandProgress *self, ProgressStream stream, const guint8 *bytes, gsize size, gint64 now)
{
  progress_reader_feed (self->reader, stream, (const char *) bytes, size);
  self->silent_at = now + SILENCE;
  self->has_news = TRUE;
}

/* Whole numbers, of which the last is kept until the end. */
static void
report_amount (CommandProgress *self, const ProgressReport *report, double highest)
{
  const char *unit = self->options->unit != NULL ? self->options->unit : report->unit;
  double total = MIN (report->total, 1e18);
  double amount = total > 0 ? MIN (report->amount, floor (total * highest)) : MIN (report->amount, 1e18);

  ferry_job_report_amount (self->job, (guint64) amount, (guint64) total, unit, report->text, NULL);
}

/* An amount of few whole numbers is coarse: then the fraction counts. Of one command it is always the same: a pace is
 * that of one of them. */
static gboolean
has_amount (const ProgressReport *news)
{
  return !isnan (news->amount) && !(news->total > 0 && news->total < FINE_TOTAL);
}

/* It stays so, with all that is reported later. */
static void
take_back (CommandProgress *self, const ProgressReport *news)
{
  if (news->fraction == PROGRESS_TAKEN_BACK && !self->is_taken_back)
    ferry_job_report (self->job, -INFINITY, news->text, NULL);
  self->is_taken_back |= news->fraction == PROGRESS_TAKEN_BACK;
}

/* An amount whose total is not the one of the bar says nothing of the whole, nor does a total that may grow yet. */
static void
report (CommandProgress *self, const ProgressReport *news)
{
  double part = news->total > 0 ? floor (news->amount) / floor (news->total) : NAN;
  ProgressReport of_unknown = *news;

  of_unknown.total = 0;
  take_back (self, news);
  if (has_amount (news) && !(news->fraction >= 0))
    report_amount (self, &of_unknown, PROGRESS_HIGHEST);
  else if (has_amount (news) && fabs (part - news->fraction) <= 0.01 + 1e-9)
    report_amount (self, news, PROGRESS_HIGHEST);
  else
    ferry_job_report (self->job, isnan (news->fraction) ? -1 : news->fraction, news->text, NULL);
}

static void
look_at_files (CommandProgress *self)
{
  g_autoptr (GArray) processes = command_processes_list ();
  g_autofree pid_t *pids = g_new (pid_t, processes->len + 1);
  double position;
  double size;

  for (guint i = 0; i < processes->len; i++)
    pids[i] = g_array_index (processes, CommandProcess, i).pid;
  if (!progress_position_read (self->position, pids, processes->len, &position, &size))
    return;
  progress_reader_set_position (self->reader, position, size);
  self->has_news = TRUE;
}

gint64
command_progress_tell (CommandProgress *self, gint64 now)
{
  const gboolean is_looking = progress_reader_needs_position (self->reader);
  gint64 next = NEVER;
  ProgressReport news;

  if (now >= self->silent_at)
    {
      progress_reader_flush (self->reader);
      self->silent_at = NEVER;
      self->has_news = TRUE;
    }
  if (is_looking && now >= self->next_look)
    {
      look_at_files (self);
      self->next_look = now + LOOK;
    }
  if (self->has_news && now >= self->next_report)
    {
      self->has_news = FALSE;
      if (progress_reader_take (self->reader, &news))
        {
          report (self, &news);
          self->next_report = now + PACE;
        }
    }
  if (is_looking)
    next = self->next_look;
  if (self->has_news)
    next = MIN (next, self->next_report);
  return MIN (next, self->silent_at);
}

void
command_progress_end (CommandProgress *self, gboolean succeeded)
{
  ProgressReport news;

  progress_reader_end (self->reader);
  progress_reader_take (self->reader, &news);
  if (!succeeded || news.fraction == PROGRESS_TAKEN_BACK)
    report (self, &news);
  else if (!has_amount (&news))
    ferry_job_report (self->job, 1, news.text, NULL);
  else
    {
      /* All is done, whatever was said last. */
      if (news.total > 0)
        news.amount = news.total;
      report_amount (self, &news, 1);
    }
}
