/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-reader.c, command-worker/progress-pieces.c, command-worker/progress-json.c
 *
 * What a command prints, read in every way. The first byte says in which, the second one in how large pieces it comes
 * and whether there are pauses. */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "progress-reader.h"

typedef struct
{
  ProgressKind kind;
  const char *pattern; /* (nullable) */
  double total;
  const char *command; /* (nullable): words */
} Way;

/* Each row of the table that reads in a way of its own. */
static const Way ways[] = {
  {PROGRESS_NONE},
  {PROGRESS_PERCENT},
  {PROGRESS_STEPS},
  {PROGRESS_NUMBER},
  {PROGRESS_NUMBER, NULL, 1e9},
  {PROGRESS_KEYS, "done=us/1000000 total=all percent=p text=file end=progress", 0},
  {PROGRESS_KEYS, "fraction=f left=l task=t tasks=n", 100},
  {PROGRESS_JSON, "fraction=f done=a.n|n total=a.all text=text|files", 0},
  {PROGRESS_PATTERN, "(?<phase>\\w+): (?<done>\\S+) of (?<total>\\S+)(?<text>.*)", 0},
  {PROGRESS_PATTERN, "(?<task>\\d+)/(?<tasks>\\d+) (?<left>[\\d.,:]+ *\\w*)|(?<step>ok)", 1000},
  {PROGRESS_AUTOMATIC, NULL, 0, "some-program"},
  {PROGRESS_AUTOMATIC, NULL, 0, "pip install x"},
  {PROGRESS_AUTOMATIC, NULL, 0, "yt-dlp url"},
  {PROGRESS_AUTOMATIC, NULL, 0, "nice flatpak install x"},
  {PROGRESS_AUTOMATIC, NULL, 0, "apt-get install sl"},
  {PROGRESS_AUTOMATIC, NULL, 0, "badblocks -ws disk"},
  {PROGRESS_AUTOMATIC, NULL, 0, "curl url"},
  {PROGRESS_AUTOMATIC, NULL, 0, "ffmpeg -i a b"},
  {PROGRESS_AUTOMATIC, NULL, 0, "git clone url"},
  {PROGRESS_AUTOMATIC, NULL, 0, "rsync --info=progress2 a b"},
  {PROGRESS_AUTOMATIC, NULL, 0, "wget url"},
  {PROGRESS_AUTOMATIC, NULL, 0, "zstd --progress f"},
};

static void
check_report (const ProgressReport *report)
{
  if (!isnan (report->fraction) && report->fraction != PROGRESS_TAKEN_BACK)
    {
      g_assert_cmpfloat (report->fraction, >=, 0);
      g_assert_cmpfloat (report->fraction, <=, PROGRESS_HIGHEST);
      fuzz_n_accepted++;
    }
  g_assert_true (isnan (report->amount) || (isfinite (report->amount) && report->amount >= 0));
  g_assert_true (isfinite (report->total) && report->total >= 0);
  if (report->text == NULL)
    return;
  g_assert_cmpuint (strlen (report->text), >, 0);
  g_assert_cmpuint (strlen (report->text), <=, PROGRESS_MAX_TEXT);
  g_assert_true (g_utf8_validate (report->text, -1, NULL));
  for (const char *at = report->text; *at != '\0'; at = g_utf8_next_char (at))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (at)));
}

static ProgressReader *
make_reader (guint8 number)
{
  const Way *way = &ways[number % G_N_ELEMENTS (ways)];
  g_auto (GStrv) argv = way->command != NULL ? g_strsplit (way->command, " ", -1) : NULL;
  g_autoptr (GError) error = NULL;
  ProgressReader *reader =
    progress_reader_new (way->kind, way->pattern, way->total, (const char *const *) argv, NULL, NULL, &error);

  g_assert_no_error (error);
  return reader;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (ProgressReader) reader = make_reader (size > 0 ? data[0] : 0);
  guint8 cuts = size > 1 ? data[1] : 0;
  gsize piece = 1 + (cuts >> 2) * 4;
  ProgressReport report;

  for (gsize at = 2; at < size; at += piece)
    {
      progress_reader_feed (reader, (cuts & 2) != 0 ? PROGRESS_TERMINAL : PROGRESS_ERROR, (const char *) data + at,
                            MIN (piece, size - at));
      if ((cuts & 1) != 0)
        progress_reader_flush (reader);
      if (progress_reader_take (reader, &report))
        check_report (&report);
    }
  progress_reader_end (reader);
  if (progress_reader_take (reader, &report))
    check_report (&report);
  return 0;
}
