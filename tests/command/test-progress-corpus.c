/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-reader.c,
 *        command-worker/progress-programs.c
 *
 * A bar is true, or there is none. tests/command/corpus has what programs printed, each with the truth beside it: how
 * far the program was at some places of its output, or that it has no progress of the whole. A file has lines of its
 * head, an empty line, and the bytes of one stream:
 *
 *     source: recorded LC_ALL=de_DE.UTF-8
 *     command: dd if=/dev/zero of=x bs=1M count=900 status=progress
 *     stream: error
 *     truth: 120:0.25 240:0.50 360:0.75
 *
 * Where a bar is taken back, since the program began anew, the truth of a place is "back": 480:back. "source" says
 * whether it was recorded (by record-output.py) or written after a program's documentation; "behind", how far the bar
 * may be behind the truth, where nobody knows how many phases there are. */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "progress-reader.h"

/* How far a bar is ahead of the truth at most, and behind it. */
#define SLACK 0.1

/* So many outputs without progress are there at least. */
#define MIN_WITHOUT 40

/* A bar that is as full as this says that the program ends soon: not for more than half of what it prints. */
#define NEARLY_DONE 0.95

typedef struct
{
  char *command; /* (owned) */
  ProgressStream stream;
  double behind;
  char **truth; /* (owned): "offset:fraction" or "offset:back" each; "none" */
  const char *bytes;
  gsize length;
  char *contents; /* (owned) */
} Recording;

static void
recording_clear (Recording *self)
{
  g_free (self->command);
  g_strfreev (self->truth);
  g_free (self->contents);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Recording, recording_clear)

static char *
folder_path (const char *name)
{
  return g_test_build_filename (G_TEST_DIST, "command", "corpus", name, NULL);
}

static void
take_line (Recording *self, const char *key, const char *value)
{
  if (strcmp (key, "command") == 0)
    self->command = g_strdup (value);
  else if (strcmp (key, "stream") == 0)
    self->stream = strcmp (value, "output") == 0  ? PROGRESS_OUTPUT
                   : strcmp (value, "error") == 0 ? PROGRESS_ERROR
                                                  : PROGRESS_TERMINAL;
  else if (strcmp (key, "behind") == 0)
    self->behind = g_ascii_strtod (value, NULL);
  else if (strcmp (key, "truth") == 0)
    self->truth = g_strsplit (value, " ", -1);
  else
    g_assert_cmpstr (key, ==, "source");
}

static Recording
load (const char *name)
{
  Recording self = {.behind = SLACK};
  g_autofree char *path = folder_path (name);
  g_autoptr (GError) error = NULL;
  g_autofree char *head = NULL;
  g_auto (GStrv) lines = NULL;
  const char *end;

  g_file_get_contents (path, &self.contents, &self.length, &error);
  g_assert_no_error (error);
  end = memmem (self.contents, self.length, "\n\n", 2);
  g_assert_nonnull (end);
  head = g_strndup (self.contents, (gsize) (end - self.contents));
  lines = g_strsplit (head, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *colon = strstr (lines[i], ": ");

      g_assert_nonnull (colon);
      *colon = '\0';
      take_line (&self, lines[i], colon + 2);
    }
  g_assert_nonnull (self.command);
  g_assert_nonnull (self.truth);
  self.bytes = end + 2;
  self.length -= (gsize) (self.bytes - self.contents);
  return self;
}

static ProgressReader *
new_reader (const Recording *recording)
{
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;
  ProgressReader *reader;

  g_shell_parse_argv (recording->command, NULL, &argv, &error);
  g_assert_no_error (error);
  reader = progress_reader_new (PROGRESS_AUTOMATIC, NULL, 0, (const char *const *) argv, NULL, "/nonexistent", &error);
  g_assert_no_error (error);
  return reader;
}

/* How far the replay of a recording is, and what a user sees of it. */
typedef struct
{
  ProgressReader *reader; /* (owned) */
  const Recording *recording;
  gsize step; /* as many bytes come at once */
  gsize at;
  gboolean had_bar;
  double bar;          /* does not go back, but may be taken back; NAN: there was none */
  gsize n_nearly_done; /* bytes that were printed while the bar was nearly full */
} Replay;

static void
replay_clear (Replay *self)
{
  progress_reader_free (self->reader);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Replay, replay_clear)

static Replay
begin_replay (const Recording *recording, gsize step)
{
  return (Replay){.reader = new_reader (recording), .recording = recording, .step = step, .bar = NAN};
}

static void
take_bar (Replay *self)
{
  ProgressReport report;

  progress_reader_take (self->reader, &report);
  if (report.fraction == PROGRESS_TAKEN_BACK)
    self->bar = PROGRESS_TAKEN_BACK;
  else
    {
      /* What was taken back stays so. */
      g_assert_true (self->bar != PROGRESS_TAKEN_BACK);
      if (!(self->bar >= report.fraction))
        self->bar = report.fraction;
      self->had_bar = self->had_bar || self->bar >= 0;
    }
}

/* Feeds what is there up to a place. */
static void
feed_until (Replay *self, gsize end)
{
  while (self->at < end)
    {
      gsize size = MIN (self->step, end - self->at);

      progress_reader_feed (self->reader, self->recording->stream, self->recording->bytes + self->at, size);
      /* Nothing came for a while. */
      if (self->step > 1 || self->at + size == end)
        progress_reader_flush (self->reader);
      take_bar (self);
      self->at += size;
      if (self->bar >= NEARLY_DONE)
        self->n_nearly_done += size;
    }
}

static void
check_none (const char *name, const Recording *recording, gsize step)
{
  g_auto (Replay) replay = begin_replay (recording, step);

  feed_until (&replay, recording->length);
  if (!isnan (replay.bar))
    g_error ("%s has no progress, and a bar of %.2f", name, replay.bar);
}

static void
check_bar (const char *name, const Replay *replay, const char *truth)
{
  double fraction = g_ascii_strtod (truth, NULL);
  gboolean is_back = strcmp (truth, "back") == 0;

  if (is_back != (replay->bar == PROGRESS_TAKEN_BACK) ||
      (!is_back && (replay->bar > fraction + SLACK || replay->bar < fraction - replay->recording->behind)))
    g_error ("%s is at %s, and its bar at %.2f", name, truth, replay->bar);
}

static void
check_truth (const char *name, const Recording *recording, gsize step)
{
  g_auto (Replay) replay = begin_replay (recording, step);

  for (guint i = 0; recording->truth[i] != NULL; i++)
    {
      char *after = NULL;
      gsize end = (gsize) g_ascii_strtoull (recording->truth[i], &after, 10);

      g_assert_cmpuint (end, <=, recording->length);
      feed_until (&replay, end);
      check_bar (name, &replay, after + 1);
    }
  /* By then there was one, but where all came at once: what is taken back was not seen then. */
  if (!replay.had_bar && (step == 1 || replay.bar != PROGRESS_TAKEN_BACK))
    g_error ("%s has progress, and no bar", name);
}

/* A bar that stands at its end for half of the time says nothing that is true. */
static void
check_is_not_early (const char *name, const Recording *recording)
{
  g_auto (Replay) replay = begin_replay (recording, 1);

  feed_until (&replay, recording->length);
  if (2 * replay.n_nearly_done > recording->length)
    g_error ("%s prints %zu bytes, and its bar is nearly full for %zu", name, recording->length, replay.n_nearly_done);
}

static gboolean
has_progress (const Recording *recording)
{
  return strcmp (recording->truth[0], "none") != 0;
}

static void
test_recording (gconstpointer name)
{
  g_auto (Recording) recording = load (name);
  static const gsize steps[] = {1, 100, 64 * 1024};

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (has_progress (&recording))
      check_truth (name, &recording, steps[i]);
    else
      check_none (name, &recording, steps[i]);
  check_is_not_early (name, &recording);
}

static void
test_has_many_without_progress (gconstpointer names)
{
  guint n = 0;

  for (const GList *name = names; name != NULL; name = name->next)
    {
      g_auto (Recording) recording = load (name->data);

      n += !has_progress (&recording);
    }
  g_assert_cmpuint (n, >=, MIN_WITHOUT);
}

int
main (int argc, char **argv)
{
  g_autofree char *path = NULL;
  g_autoptr (GDir) folder = NULL;
  GList *names = NULL;
  const char *name;
  int status;

  g_test_init (&argc, &argv, NULL);
  path = folder_path (NULL);
  folder = g_dir_open (path, 0, NULL);
  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    names = g_list_prepend (names, g_strdup (name));
  for (GList *link = names; link != NULL; link = link->next)
    {
      g_autofree char *test = g_strconcat ("/progress-corpus/", link->data, NULL);

      g_test_add_data_func (test, link->data, test_recording);
    }
  g_test_add_data_func ("/progress-corpus/has-many-without-progress", names, test_has_many_without_progress);
  status = g_test_run ();
  g_list_free_full (names, g_free);
  return status;
}
