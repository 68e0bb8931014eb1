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
 * "source" says whether it was recorded (by record-output.py) or written after a program's documentation; "behind", how
 * far the bar may be behind the truth, where nobody knows how many phases there are. */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "progress-reader.h"

/* How far a bar is ahead of the truth at most, and behind it. */
#define SLACK 0.1

/* So many outputs without progress are there at least. */
#define MIN_WITHOUT 40

typedef struct
{
  char *command; /* (owned) */
  ProgressStream stream;
  double behind;
  char **truth; /* (owned): "offset:fraction" each; "none" */
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

/* Feeds what is there up to a place. A step: as many bytes come at once. Returns the bar, which does not go back. */
static double
feed_until (ProgressReader *reader, const Recording *recording, gsize *at, gsize end, gsize step, double bar)
{
  ProgressReport report;

  while (*at < end)
    {
      gsize size = MIN (step, end - *at);

      progress_reader_feed (reader, recording->stream, recording->bytes + *at, size);
      /* Nothing came for a while. */
      if (step > 1 || *at + size == end)
        progress_reader_flush (reader);
      progress_reader_take (reader, &report);
      if (!(bar >= report.fraction))
        bar = report.fraction;
      *at += size;
    }
  return bar;
}

static void
check_none (const char *name, const Recording *recording, gsize step)
{
  g_autoptr (ProgressReader) reader = new_reader (recording);
  gsize at = 0;
  double bar = feed_until (reader, recording, &at, recording->length, step, NAN);

  if (!isnan (bar))
    g_error ("%s has no progress, and a bar of %.2f", name, bar);
}

static void
check_truth (const char *name, const Recording *recording, gsize step)
{
  g_autoptr (ProgressReader) reader = new_reader (recording);
  double bar = NAN;
  gsize at = 0;

  for (guint i = 0; recording->truth[i] != NULL; i++)
    {
      char *after = NULL;
      gsize end = (gsize) g_ascii_strtoull (recording->truth[i], &after, 10);
      double truth = g_ascii_strtod (after + 1, NULL);

      g_assert_cmpuint (end, <=, recording->length);
      bar = feed_until (reader, recording, &at, end, step, bar);
      if (bar > truth + SLACK || bar < truth - recording->behind)
        g_error ("%s is at %.2f, and its bar at %.2f", name, truth, bar);
    }
  /* By then there is one. */
  if (isnan (bar))
    g_error ("%s has progress, and no bar", name);
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
