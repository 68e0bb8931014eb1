/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-reader.c,
 *        command-worker/progress-values.c
 *
 * Each way of reading, and what misleads it. What whole programs print is replayed by test-progress-programs.c. */

#include "config.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "progress-reader.h"
#include "progress-values.h"

typedef struct
{
  ProgressReader *reader;
  ProgressReport report;
} Case;

static void
case_clear (Case *self)
{
  g_clear_pointer (&self->reader, progress_reader_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Case, case_clear)

static Case
begin (ProgressKind kind, const char *pattern, double total)
{
  g_autoptr (GError) error = NULL;
  Case self = {.reader = progress_reader_new (kind, pattern, total, NULL, NULL, NULL, &error)};

  g_assert_no_error (error);
  return self;
}

static Case
begin_program (const char *command)
{
  g_auto (GStrv) argv = g_strsplit (command, " ", -1);
  g_autoptr (GError) error = NULL;
  Case self = {.reader =
                 progress_reader_new (PROGRESS_AUTOMATIC, NULL, 0, (const char *const *) argv, NULL, NULL, &error)};

  g_assert_no_error (error);
  return self;
}

static void
print_on (Case *self, ProgressStream stream, const char *text)
{
  progress_reader_feed (self->reader, stream, text, strlen (text));
  progress_reader_take (self->reader, &self->report);
}

static void
print (Case *self, const char *text)
{
  print_on (self, PROGRESS_ERROR, text);
}

/* Percents, NAN for what is not known, and PROGRESS_TAKEN_BACK. */
static void
assert_percent (const Case *self, double percent)
{
  if (isnan (percent))
    g_assert_true (isnan (self->report.fraction));
  else if (isinf (percent))
    g_assert_cmpfloat (self->report.fraction, ==, percent);
  else
    g_assert_cmpfloat_with_epsilon (100 * self->report.fraction, percent, 1e-6);
}

static void
assert_said (Case *self, const char *text, double percent)
{
  print (self, text);
  assert_percent (self, percent);
}

static void
assert_amount (const Case *self, double amount, double total, const char *unit)
{
  g_assert_cmpfloat_with_epsilon (self->report.amount, amount, 1e-6);
  g_assert_cmpfloat_with_epsilon (self->report.total, total, 1e-6);
  g_assert_cmpstr (self->report.unit, ==, unit);
}

/* ---- percent ---- */

static void
test_percent (void)
{
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);

  assert_said (&self, "starting\n", NAN);
  g_assert_cmpstr (self.report.text, ==, "starting");
  assert_said (&self, " 1,5 % of it\r", 1.5);
  g_assert_cmpstr (self.report.text, ==, "of it");
  assert_said (&self, "[#####     ] 25.5%\r", 25.5);
  g_assert_cmpstr (self.report.text, ==, "of it");
  assert_said (&self, "    (51.61/100%)\r", 51.61);
  assert_said (&self, "60%\r", 60);
}

/* Two percentages are statistics, and these are none. */
static void
test_percent_is_one_number (void)
{
  static const char *const lines[] = {"P16..4: 13.9%  0.0%\n",
                                      "file%20name\n",
                                      "5%20\n",
                                      "250% faster\n",
                                      "1234%\n",
                                      "100 %d\n",
                                      "-5%\n",
                                      "%\n",
                                      " %\n",
                                      "x%\n",
                                      "1.234.567%\n",
                                      "12345678901234567890%\n"};
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    assert_said (&self, lines[i], NAN);
}

/* make -j tells 16 and then 8; of a disk, 3 % are left, which is said once. */
static void
test_percent_does_not_go_back (void)
{
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);

  assert_said (&self, "16%\n8%\n", 16);
  assert_said (&self, "60%\n55%\n", 60);
  assert_said (&self, "3%\n", 60);
  assert_said (&self, "61%\n", 61);
}

/* The next file begins at the beginning, and nobody knows how many follow. */
static void
test_percent_that_begins_anew_takes_the_bar_back (void)
{
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);

  assert_said (&self, "50%\n100%\n", 99);
  assert_said (&self, "0%\n", 99);
  assert_said (&self, "1%\n", PROGRESS_TAKEN_BACK);
  assert_said (&self, "50%\n100%\n", PROGRESS_TAKEN_BACK);
}

static void
test_end_is_not_told_before_it (void)
{
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);

  assert_said (&self, "100%\n", 99);
  assert_said (&self, "100.002%\n", 99);
  assert_said (&self, "100%\n", 99);
}

/* ---- what a program draws over ---- */

static void
test_drawn_share (void)
{
  g_auto (Case) percent = begin (PROGRESS_AUTOMATIC, NULL, 0);
  g_auto (Case) steps = begin (PROGRESS_AUTOMATIC, NULL, 0);
  g_auto (Case) bytes = begin (PROGRESS_AUTOMATIC, NULL, 0);

  /* The first is of a line that may be no other than that. */
  assert_said (&percent, "  0%\r  1% a\r  2% b\r", NAN);
  assert_said (&percent, "  3% of it\r", 3);
  g_assert_cmpstr (percent.report.text, ==, "of it");
  assert_said (&percent, "a line\n\r 50%\r", 50);
  assert_said (&steps, "Building\r 0/30: a\r 1/30: b\r 2/30: c\r 3/30: serde\r", 10);
  assert_amount (&steps, 3, 30, NULL);
  assert_said (&bytes, "\r0.0/10.0 MB\r1.0/10.0 MB\r2.0/10.0 MB\r2.5/10.0 MB 5 MB/s\n", 25);
  assert_amount (&bytes, 2500000, 10000000, "bytes");
}

static void
test_share_of_a_part_is_none (void)
{
  static const char *const outputs[] = {
    "1%\n2%\n3%\n4%\n",                                              /* drawn over nothing */
    "1%\r\n2%\r\n3%\r\n4%\r\n",                                      /* nor is this */
    "\r91%\r92%\r93%\r94%\r",                                        /* begins at no beginning */
    "\r1%\r5%\r4%\r6%\r7%\r",                                        /* falls */
    "\ra 1%\rb 2%\ra 3%\rb 4%\r",                                    /* two lines */
    "\r 1% 0/3 x\r 2% 1/50 y\r 4% 2/50 z\r 6% 3/50 z\r 8% 4/50 z\r", /* of another total */
    "\r-1%\r-2%\r-3%\r-4%\r",
    "\r1% 2%\r2% 3%\r3% 4%\r",
    "\r2026/11/1\r2026/11/2\r2026/11/3\r",
    "\ra/1/9\ra/2/9\ra/3/9\ra/4/9\r",
  };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++)
    {
      g_auto (Case) self = begin (PROGRESS_AUTOMATIC, NULL, 0);

      assert_said (&self, outputs[i], NAN);
    }
}

/* What fell was of a part, and so was what another line says. */
static void
test_share_that_falls_takes_the_bar_back (void)
{
  g_auto (Case) self = begin (PROGRESS_AUTOMATIC, NULL, 0);
  g_auto (Case) other = begin (PROGRESS_AUTOMATIC, NULL, 0);

  assert_said (&self, "\r1%\r20%\r30%\r", 30);
  assert_said (&self, "10%\r90%\r95%\r", PROGRESS_TAKEN_BACK);
  g_assert_cmpstr (self.report.text, ==, "95%");
  assert_said (&other, "\ra 1%\ra 20%\ra 30%\r", 30);
  assert_said (&other, "b 40%\ra 50%\r", PROGRESS_TAKEN_BACK);
}

/* A bar that is cut in its middle is not another line. */
static void
test_share_that_goes_on_is_read (void)
{
  g_auto (Case) self = begin (PROGRESS_AUTOMATIC, NULL, 0);

  print (&self, "\r 1% | 1/100\r 2% | 2/100\r 3% | 3/100\r 4% | 4/");
  progress_reader_flush (self.reader);
  assert_said (&self, "", 3);
  assert_said (&self, "100\r 5% | 5/100\r", 5);
}

/* ---- steps ---- */

static void
test_steps (void)
{
  g_auto (Case) self = begin (PROGRESS_STEPS, NULL, 0);

  assert_said (&self, "[1/300] Compiling a.c\n", NAN);
  g_assert_cmpstr (self.report.text, ==, "Compiling a.c");
  assert_said (&self, "[12/300] Compiling b.c\n", 4);
  assert_amount (&self, 12, 300, NULL);
  assert_said (&self, "objects ( 30/300)\n", 10);
  assert_said (&self, "50 of 300, more\n", 100 / 6.0);
  assert_said (&self, "file 75 of 300\n", 25);
  assert_said (&self, "Writing:  150/300\n", 50);
}

static void
test_steps_are_no_dates (void)
{
  static const char *const lines[] = {"2026/11/26 20:18:40 INFO\n",
                                      "(0/0/0 errors)\n",
                                      "task 1 of 1, 5\n",
                                      "11/26\n",
                                      "a/1/2\n",
                                      "[5/3]\n",
                                      "[0/0]\n",
                                      "3 of July\n",
                                      "[1/2/3]\n",
                                      "1/2 cup of tea\n"};
  g_auto (Case) self = begin (PROGRESS_STEPS, NULL, 0);

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      print (&self, lines[i]);
      assert_said (&self, lines[i], NAN);
      g_assert_true (isnan (self.report.amount));
    }
}

/* A total that grows would be a bar that was too long. */
static void
test_total_that_grows_is_waited_for (void)
{
  g_auto (Case) self = begin (PROGRESS_STEPS, NULL, 0);

  assert_said (&self, "[1/1]\n[2/3]\n[3/10]\n", NAN);
  assert_amount (&self, 3, 10, NULL);
  assert_said (&self, "[4/10]\n", 40);
  assert_said (&self, "[5/20]\n", 40);
  assert_said (&self, "[5/20]\n", 40);
  assert_said (&self, "[10/20]\n", 50);
  assert_said (&self, "[11/100]\n[11/100]\n[12/100]\n", PROGRESS_TAKEN_BACK);
}

/* ---- number ---- */

static void
test_numbers (void)
{
  g_auto (Case) percents = begin (PROGRESS_NUMBER, NULL, 0);
  g_auto (Case) amounts = begin (PROGRESS_NUMBER, NULL, 200);
  g_auto (Case) bytes = begin (PROGRESS_NUMBER, NULL, 0);

  assert_said (&percents, "34\nCopying\n", 34);
  assert_said (&percents, "100\n", 99);
  assert_said (&amounts, "50\n", 25);
  assert_amount (&amounts, 50, 200, NULL);
  assert_said (&amounts, "250\n", 99);
  assert_amount (&amounts, 200, 200, NULL);
  assert_said (&bytes, "131072\n", NAN);
  assert_amount (&bytes, 131072, 0, NULL);
}

/* ---- keys ---- */

static void
test_keys (void)
{
  g_auto (Case) self = begin (PROGRESS_KEYS, "done=out_time_us/1000000 text=file end=progress", 60);

  assert_said (&self, "frame=12\nout_time_us=30000000\nfile= a b.mp4 \n", NAN);
  assert_said (&self, "progress=continue\n", 50);
  assert_amount (&self, 30, 60, NULL);
  g_assert_cmpstr (self.report.text, ==, "a b.mp4");
  assert_said (&self, "out_time_us=N/A\nprogress=continue\n", 50);
  assert_said (&self, "out_time_us=60024000\nprogress=end\n", 99);
  assert_amount (&self, 60, 60, NULL);
}

static void
test_keys_without_an_end (void)
{
  g_auto (Case) self = begin (PROGRESS_KEYS, "percent=p", 0);

  assert_said (&self, "p=12\n", 12);
  assert_said (&self, "a line\np = 15\nq=16\n", 15);
  g_assert_cmpstr (self.report.text, ==, "a line");
}

/* ---- JSON ---- */

static void
test_json (void)
{
  g_auto (Case) self = begin (PROGRESS_JSON, "fraction=percent_done text=message|files done=n total=all.n", 0);

  assert_said (&self, "{\"percent_done\":0.25,\"files\":[\"/a\",\"/b\"]}\n", 25);
  g_assert_cmpstr (self.report.text, ==, "/a");
  assert_said (&self, "{\"n\":\"5\",\"all\":{\"n\":\"10\"}}\n{\"n\":\"6\",\"all\":{\"n\":\"10\"}}\n", 60);
  assert_amount (&self, 6, 10, NULL);
  assert_said (&self, "{\"percent_done\":0.9, cut\nno object\n", 60);
  assert_said (&self, "{\"percent_done\":6.5e-1}\n", 65);
}

/* ---- pattern ---- */

static void
test_pattern (void)
{
  g_auto (Case) self = begin (PROGRESS_PATTERN, "(?<done>[\\d.]+ \\S+) / (?<total>[\\d.]+ \\S+): (?<text>.*)", 0);

  assert_said (&self, "1.0 MiB / 4.0 MiB: a\n1.0 MiB / 4.0 MiB: a\n", 25);
  assert_amount (&self, 1024 * 1024, 4 * 1024 * 1024, "bytes");
  g_assert_cmpstr (self.report.text, ==, "a");
  assert_said (&self, "something else\n", 25);
  g_assert_cmpstr (self.report.text, ==, "something else");
}

static void
test_pattern_of_what_is_left (void)
{
  g_auto (Case) self = begin (PROGRESS_PATTERN, "(?<left>\\d+) of (?<total>\\d+) left", 0);

  assert_said (&self, "30 of 40 left\n10 of 40 left\n", 75);
  assert_amount (&self, 30, 40, NULL);
}

/* yt-dlp fetches pictures and sound, and says not that there are two; flatpak says which one of how many. */
static void
test_phases_without_a_name (void)
{
  g_auto (Case) formats = begin_program ("yt-dlp url");
  g_auto (Case) items = begin_program ("yt-dlp url");

  print_on (&formats, PROGRESS_OUTPUT, "[download]  50.0% of 10MiB\r");
  assert_percent (&formats, 25);
  print_on (&formats, PROGRESS_OUTPUT, "[download] 100% of 10MiB\n[download]   0.0% of 1MiB\r");
  assert_percent (&formats, 50);
  print_on (&formats, PROGRESS_OUTPUT, "[download]  50.0% of 1MiB\r");
  assert_percent (&formats, 700 / 12.0);
  print_on (&items, PROGRESS_OUTPUT, "[download] Downloading item 3 of 10\n[download]  50.0% of 1MiB\r");
  assert_percent (&items, 25);
}

/* HandBrake has a queue of passes. */
static void
test_pattern_of_tasks (void)
{
  g_auto (Case) self = begin (PROGRESS_PATTERN, "task (?<task>\\d+) of (?<tasks>\\d+), (?<percent>[\\d.]+) %", 0);

  assert_said (&self, "task 1 of 2, 50.00 %\r", 25);
  assert_said (&self, "task 2 of 2, 0.00 %\r", 50);
  assert_said (&self, "task 2 of 2, 96.00 %\r", 98);
}

static void
test_pattern_of_single_steps (void)
{
  g_auto (Case) self = begin (PROGRESS_PATTERN, "^(?<step>ok) ", 4);

  assert_said (&self, "ok 1\nno\n", 25);
  assert_said (&self, "ok 2\nok 3\n", 75);
  assert_amount (&self, 3, 4, NULL);
}

/* How many phases there are is not known: it is as if one more followed. */
static void
test_pattern_of_phases (void)
{
  g_auto (Case) self = begin (PROGRESS_PATTERN, "^(?<phase>\\w+): (?<percent>\\d+)", 0);

  assert_said (&self, "Load: 50\n", 25);
  assert_said (&self, "Load: 100\n", 50);
  assert_said (&self, "Save: 50\n", 700 / 12.0);
  assert_said (&self, "Save: 100\n", 200 / 3.0);
  assert_said (&self, "Check: 100\n", 75);
}

/* A fifth phase would hardly move the bar, and there may be a hundred. */
static void
test_pattern_of_many_phases_takes_the_bar_back (void)
{
  g_auto (Case) self = begin (PROGRESS_PATTERN, "^(?<phase>\\w+): (?<percent>\\d+)", 0);

  assert_said (&self, "a: 100\na: 0\na: 100\n", 200 / 3.0);
  assert_said (&self, "b: 100\nc: 100\n", 80);
  assert_said (&self, "d: 1\n", PROGRESS_TAKEN_BACK);
  assert_said (&self, "d: 99\ne: 99\n", PROGRESS_TAKEN_BACK);
}

/* After the last phase of a clone, those of its submodules follow. */
static void
test_phase_that_is_not_in_the_list_takes_the_bar_back (void)
{
  g_auto (Case) self = begin_program ("git clone --recurse-submodules url");

  print (&self, "Receiving objects: 50% (5/10)\r");
  assert_said (&self, "Receiving objects: 100% (10/10)\r", 80);
  print (&self, "Resolving deltas: 100% (2/2)\r");
  assert_said (&self, "Resolving deltas: 100% (2/2)\rUpdating files: 50% (5/10)\rUpdating files: 50% (5/10)\r", 97.5);
  assert_said (&self, "Receiving objects: 10% (1/10)\r", PROGRESS_TAKEN_BACK);
  assert_said (&self, "Receiving objects: 100% (10/10)\r", PROGRESS_TAKEN_BACK);
}

/* ffmpeg prints the duration once. */
static void
test_pattern_of_a_total_that_is_said_alone (void)
{
  g_auto (Case) self = begin (PROGRESS_PATTERN, "Duration: (?<total>[\\d:.]+)|time=(?<done>[\\d:.]+)", 0);

  assert_said (&self, "time=00:00:30.00\n", NAN);
  assert_said (&self, "  Duration: 00:01:00.00, start: 0\ntime=00:00:30.00\n", 50);
  assert_amount (&self, 30, 60, "s");
}

/* ---- programs that mislead ---- */

/* zstd's percentage is its ratio. */
static void
test_zstd (void)
{
  g_auto (Case) self = begin_program ("zstd --progress f");

  assert_said (&self, "\rRead:  7.0 MiB /  28.0 MiB ==> 22%\rRead:  7.0 MiB /  28.0 MiB ==> 22%\r", 25);
  assert_said (&self, "Read:  14.0 MiB /  28.0 MiB ==> 17%\r", 50);
}

static void
test_ffmpeg_without_a_duration (void)
{
  g_auto (Case) self = begin_program ("ffmpeg -f lavfi -i testsrc a.mp4");

  print (&self, "Press [q] to stop, [?] for help\n  Duration: N/A, start: 0.000000, bitrate: N/A\n");
  g_assert_null (self.report.text);
  assert_said (&self, "frame=1 time=00:00:30.00 x\r", NAN);
  g_assert_false (progress_reader_needs_position (self.reader));
}

/* Of several addresses, each percentage is of a part. */
static void
test_curl_of_two_addresses (void)
{
  g_auto (Case) self = begin_program ("curl -# -O http://a/b -O http://a/c");

  assert_said (&self, "\r## 10.0%\r### 20.0%\r#### 30.0%\r", NAN);
}

static void
test_wget_without_a_length (void)
{
  g_auto (Case) self = begin_program ("wget url");

  assert_said (&self, "   250K .......... .......... 4,30M\n", NAN);
  assert_amount (&self, 250 * 1024, 0, "bytes");
  g_assert_null (self.report.text);
}

/* curl's first column is 100 where there is no length. */
static void
test_curl_without_a_length (void)
{
  g_auto (Case) self = begin_program ("curl -o f url");

  assert_said (&self, "\r100 12.6M    0 12.6M    0     0  8154k      0 --:--:--  0:00:01 --:--:-- 8158k\r", NAN);
  assert_amount (&self, 12.6 * 1024 * 1024, 0, "bytes");
  assert_said (&self, "  -=O=-     #   #   #\r", NAN);
}

static void
test_curl_that_sends (void)
{
  g_auto (Case) self = begin_program ("curl -T f url");
  const char *line = "\r 52 19.0M    0     0   52  9.9M      0  9.9M  0:00:01  0:00:01  0:00:00 9.9M\r";

  print (&self, line);
  assert_said (&self, line, 52);
}

/* rsync ends where its data ended: half of it was there already. In German it groups thousands by points. */
static void
test_rsync_in_german (void)
{
  g_auto (Case) self = begin_program ("rsync --info=progress2 a b");

  print_on (&self, PROGRESS_OUTPUT, "\r         32.768   0%    0,00kB/s    0:00:00\r");
  assert_amount (&self, 32768, 0, "bytes");
  print_on (&self, PROGRESS_OUTPUT, "     87.000.000  55%   39,63MB/s    0:00:02 (xfr#10, to-chk=0/38)\n");
  assert_amount (&self, 87000000, 0, "bytes");
  assert_percent (&self, 55);
}

/* It goes on looking for files while it copies: what it knows of is not the whole before "ir-chk" becomes "to-chk". */
static void
test_rsync_that_still_looks_has_no_bar (void)
{
  g_auto (Case) self = begin_program ("rsync -a --info=progress2 a b");

  print_on (&self, PROGRESS_OUTPUT, "      3,000,000  38%   39.63MB/s    0:00:02 (xfr#10, ir-chk=1000/1038)\r");
  print_on (&self, PROGRESS_OUTPUT, "      3,100,000  39%   39.63MB/s    0:00:02\r");
  assert_amount (&self, 3100000, 0, "bytes");
  assert_percent (&self, NAN);
  print_on (&self, PROGRESS_OUTPUT, "      4,000,000   4%   39.63MB/s    0:00:03 (xfr#20, to-chk=9000/9020)\r");
  assert_percent (&self, 4);
  print_on (&self, PROGRESS_OUTPUT, "      5,000,000   5%   39.63MB/s    0:00:03\r");
  assert_percent (&self, 5);
}

static void
test_rsync_that_has_looked_has_a_bar (void)
{
  g_auto (Case) self = begin_program ("rsync -a --info=progress2 --no-i-r a b");

  print_on (&self, PROGRESS_OUTPUT, "      3,100,000  39%   39.63MB/s    0:00:02\r");
  assert_percent (&self, 39);
}

static void
test_dd_in_german (void)
{
  g_auto (Case) self = begin_program ("dd if=/dev/zero of=f bs=1M count=100 status=progress");

  assert_said (&self, "\r52428800 Bytes (52 MB, 50 MiB) kopiert, 0,06 s, 832 MB/s\r", 50);
}

/* apt downloads, and then installs. */
static void
test_apt_has_two_phases (void)
{
  g_auto (Case) install = begin_program ("apt-get install sl");
  g_auto (Case) download = begin_program ("apt-get download sl");

  assert_said (&install, "dlstatus:1:50.0000:Retrieving\n", 25);
  assert_said (&install, "pmstatus:dpkg-exec:0.0000:Running dpkg\n", 50);
  assert_said (&install, "(Reading database ... 5%\r", 50);
  assert_said (&install, "pmstatus:sl:80.0000:Installed sl\n", 90);
  assert_said (&download, "dlstatus:1:50.0000:Retrieving\n", 50);
}

/* What is cached is not downloaded: then the second phase is all. */
static void
test_phase_takes_the_place_of_those_before (void)
{
  g_auto (Case) self = begin_program ("apt-get install sl");

  assert_said (&self, "pmstatus:sl:50.0000:Installing sl\n", 50);
}

/* Phases are known by their order, in any language. */
static void
test_git_in_german_and_chinese (void)
{
  static const char *const outputs[][2] = {
    {"remote: Zähle Objekte:  50% (5/10)\nEmpfange Objekte:  50% (5/10)\r", "Löse Unterschiede auf:  50% (1/2)\r"},
    {"remote: 对象计数中:  50% (5/10)\n接收对象中:  50% (5/10)\r", "处理 delta 中:  50% (1/2)\r"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (outputs); i++)
    {
      g_auto (Case) self = begin_program ("nice git clone url");

      print (&self, outputs[i][0]);
      assert_said (&self, outputs[i][0], 40);
      print (&self, outputs[i][1]);
      assert_said (&self, outputs[i][1], 87.5);
    }
}

/* badblocks writes four patterns, and reads each; its last word is "done". */
static void
test_badblocks_has_eight_phases (void)
{
  g_auto (Case) self = begin_program ("badblocks -ws disk");

  assert_said (&self, "Testing with pattern 0xaa:  50.00% done, 0:01 elapsed. (0/0/0 errors)\b\b\b\b", 6.25);
  assert_said (&self, "\nReading and comparing:   0.00% done\b\b", 12.5);
  assert_said (&self, "\nTesting with pattern 0x55:   0.00% done\b", 25);
  assert_said (&self, "\nReading and comparing:   0.00% done\b\b", 37.5);
}

static void
test_total_of_nothing (void)
{
  g_auto (Case) self = begin_program ("gpg --status-fd 2 -c f");

  assert_said (&self, "[GNUPG:] PROGRESS f ? 9512 0 KiB\n[GNUPG:] PROGRESS f ? 9513 0 KiB\n", NAN);
  assert_amount (&self, 9513 * 1024, 0, "bytes");
}

/* Where a program speaks to a terminal, it is read by either of its ways. */
static void
test_terminal_has_both_streams (void)
{
  g_auto (Case) self = begin_program ("ffmpeg -i a b");

  print_on (&self, PROGRESS_TERMINAL, "Duration: 00:01:40.00, x\r\n");
  print_on (&self, PROGRESS_TERMINAL, "out_time_us=20000000\r\nprogress=continue\r\n");
  assert_percent (&self, 20);
  print_on (&self, PROGRESS_TERMINAL, "frame=1 time=00:00:30.00 x\r");
  assert_percent (&self, 30);
}

static void
test_position (void)
{
  g_auto (Case) self = begin (PROGRESS_POSITION, NULL, 0);

  g_assert_cmpint (progress_reader_get_kind (self.reader), ==, PROGRESS_POSITION);
  progress_reader_set_position (self.reader, 5, 20);
  g_assert_true (progress_reader_take (self.reader, &self.report));
  assert_percent (&self, 25);
  assert_amount (&self, 5, 20, "bytes");
  assert_said (&self, "99%\n", 25);
  g_assert_cmpstr (self.report.text, ==, "99%");
}

/* Of a program that says how much it has done, and not of how much, the position is asked for; but not at the end of
 * the file, where it begins to look. */
static void
test_position_where_there_is_no_total (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "a", NULL);
  g_autofree char *command = g_strconcat ("ffmpeg -v error -progress - -i ", path, " b", NULL);
  g_auto (Case) self = {0};

  g_assert_true (g_file_set_contents (path, "0123456789", 10, NULL));
  self = begin_program (command);
  g_assert_false (progress_reader_needs_position (self.reader));
  print_on (&self, PROGRESS_OUTPUT, "out_time_us=20000000\nprogress=continue\n");
  g_assert_true (progress_reader_needs_position (self.reader));
  progress_reader_set_position (self.reader, 10, 10);
  assert_said (&self, "", NAN);
  progress_reader_set_position (self.reader, 2, 10);
  assert_said (&self, "", 20);
  progress_reader_set_position (self.reader, 5, 10);
  assert_said (&self, "", 50);
  assert_amount (&self, 20, 0, "s");
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* ---- what is bounded ---- */

static void
test_texts_are_clean (void)
{
  g_auto (Case) self = begin (PROGRESS_NONE, NULL, 0);
  g_autofree char *line = g_strnfill (100 * 1000, 'x');

  print (&self, "a\tb \033[31m c\302\233d \302\240 e\377\n");
  g_assert_cmpstr (self.report.text, ==, "a b cd e\357\277\275");
  print (&self, line);
  progress_reader_end (self.reader);
  progress_reader_take (self.reader, &self.report);
  g_assert_cmpuint (strlen (self.report.text), ==, PROGRESS_MAX_TEXT);
}

/* The lines between are not even cut, and the last one is whole, also where a chunk ends within it. */
static void
test_last_of_a_large_flood_is_told (void)
{
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);
  g_autoptr (GString) chunk = g_string_new ("2% end of a line\n");

  while (chunk->len < 1000 * 1000)
    g_string_append (chunk, "12% of it\n");
  g_string_append (chunk, "3");
  for (guint i = 0; i < 5; i++)
    progress_reader_feed (self.reader, PROGRESS_OUTPUT, chunk->str, chunk->len);
  progress_reader_feed (self.reader, PROGRESS_OUTPUT, "4% now\n", 7);
  assert_said (&self, "", 34);
  g_assert_cmpstr (self.report.text, ==, "now");
}

/* The newest of a flood is told, with its piece. */
static void
test_last_of_a_flood_is_told (void)
{
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);

  for (guint i = 0; i < 100000; i++)
    progress_reader_feed (self.reader, PROGRESS_OUTPUT, "12%\n", 4);
  assert_said (&self, "", 12);
  for (guint i = 0; i < 100000; i++)
    progress_reader_feed (self.reader, PROGRESS_OUTPUT, "13%\n", 4);
  progress_reader_feed (self.reader, PROGRESS_OUTPUT, "70% now\n", 8);
  assert_said (&self, "", 70);
  g_assert_cmpstr (self.report.text, ==, "now");
}

static void
test_nothing_new_is_not_told (void)
{
  g_auto (Case) self = begin (PROGRESS_PERCENT, NULL, 0);

  g_assert_false (progress_reader_take (self.reader, &self.report));
  progress_reader_feed (self.reader, PROGRESS_OUTPUT, "7%\n", 3);
  g_assert_true (progress_reader_take (self.reader, &self.report));
  g_assert_false (progress_reader_take (self.reader, &self.report));
  assert_percent (&self, 7);
}

/* A question has no end of its line; a number that may go on is not read yet. */
static void
test_question_is_told (void)
{
  g_auto (Case) self = begin (PROGRESS_NUMBER, NULL, 0);

  progress_reader_feed (self.reader, PROGRESS_ERROR, "Overwrite? [y/N] ", 17);
  progress_reader_flush (self.reader);
  g_assert_true (progress_reader_take (self.reader, &self.report));
  g_assert_cmpstr (self.report.text, ==, "Overwrite? [y/N]");
  progress_reader_feed (self.reader, PROGRESS_ERROR, "\n1", 2);
  progress_reader_flush (self.reader);
  assert_said (&self, "", NAN);
  assert_said (&self, "7\n", 17);
}

static void
assert_refused (ProgressKind kind, const char *pattern, GQuark domain)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (progress_reader_new (kind, pattern, 0, NULL, NULL, NULL, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (error->domain, ==, domain);
}

static void
test_patterns_are_checked (void)
{
  assert_refused (PROGRESS_PATTERN, NULL, G_IO_ERROR);
  assert_refused (PROGRESS_PATTERN, "(\\d+)", G_IO_ERROR);
  assert_refused (PROGRESS_PATTERN, "(?<percent>\\d+", G_REGEX_ERROR);
  assert_refused (PROGRESS_KEYS, NULL, G_IO_ERROR);
  assert_refused (PROGRESS_KEYS, " ", G_IO_ERROR);
  assert_refused (PROGRESS_KEYS, "don=x", G_IO_ERROR);
  assert_refused (PROGRESS_KEYS, "done", G_IO_ERROR);
  assert_refused (PROGRESS_KEYS, "done=", G_IO_ERROR);
  assert_refused (PROGRESS_JSON, "done=x/0", G_IO_ERROR);
  assert_refused (PROGRESS_JSON, "done=x/y", G_IO_ERROR);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add_func ("/progress-reader/" name, function)
  ADD ("percent", test_percent);
  ADD ("percent-is-one-number", test_percent_is_one_number);
  ADD ("percent-does-not-go-back", test_percent_does_not_go_back);
  ADD ("percent-that-begins-anew-takes-the-bar-back", test_percent_that_begins_anew_takes_the_bar_back);
  ADD ("end-is-not-told-before-it", test_end_is_not_told_before_it);
  ADD ("drawn-share", test_drawn_share);
  ADD ("share-of-a-part-is-none", test_share_of_a_part_is_none);
  ADD ("share-that-falls-takes-the-bar-back", test_share_that_falls_takes_the_bar_back);
  ADD ("share-that-goes-on-is-read", test_share_that_goes_on_is_read);
  ADD ("steps", test_steps);
  ADD ("steps-are-no-dates", test_steps_are_no_dates);
  ADD ("total-that-grows-is-waited-for", test_total_that_grows_is_waited_for);
  ADD ("numbers", test_numbers);
  ADD ("keys", test_keys);
  ADD ("keys-without-an-end", test_keys_without_an_end);
  ADD ("json", test_json);
  ADD ("pattern", test_pattern);
  ADD ("pattern-of-what-is-left", test_pattern_of_what_is_left);
  ADD ("phases-without-a-name", test_phases_without_a_name);
  ADD ("pattern-of-tasks", test_pattern_of_tasks);
  ADD ("pattern-of-single-steps", test_pattern_of_single_steps);
  ADD ("pattern-of-phases", test_pattern_of_phases);
  ADD ("pattern-of-many-phases-takes-the-bar-back", test_pattern_of_many_phases_takes_the_bar_back);
  ADD ("phase-that-is-not-in-the-list-takes-the-bar-back", test_phase_that_is_not_in_the_list_takes_the_bar_back);
  ADD ("pattern-of-a-total-that-is-said-alone", test_pattern_of_a_total_that_is_said_alone);
  ADD ("zstd", test_zstd);
  ADD ("ffmpeg-without-a-duration", test_ffmpeg_without_a_duration);
  ADD ("curl-of-two-addresses", test_curl_of_two_addresses);
  ADD ("wget-without-a-length", test_wget_without_a_length);
  ADD ("curl-without-a-length", test_curl_without_a_length);
  ADD ("curl-that-sends", test_curl_that_sends);
  ADD ("rsync-in-german", test_rsync_in_german);
  ADD ("rsync-that-still-looks-has-no-bar", test_rsync_that_still_looks_has_no_bar);
  ADD ("rsync-that-has-looked-has-a-bar", test_rsync_that_has_looked_has_a_bar);
  ADD ("dd-in-german", test_dd_in_german);
  ADD ("apt-has-two-phases", test_apt_has_two_phases);
  ADD ("phase-takes-the-place-of-those-before", test_phase_takes_the_place_of_those_before);
  ADD ("git-in-german-and-chinese", test_git_in_german_and_chinese);
  ADD ("badblocks-has-eight-phases", test_badblocks_has_eight_phases);
  ADD ("total-of-nothing", test_total_of_nothing);
  ADD ("terminal-has-both-streams", test_terminal_has_both_streams);
  ADD ("position", test_position);
  ADD ("position-where-there-is-no-total", test_position_where_there_is_no_total);
  ADD ("texts-are-clean", test_texts_are_clean);
  ADD ("last-of-a-flood-is-told", test_last_of_a_flood_is_told);
  ADD ("last-of-a-large-flood-is-told", test_last_of_a_large_flood_is_told);
  ADD ("nothing-new-is-not-told", test_nothing_new_is_not_told);
  ADD ("question-is-told", test_question_is_told);
  ADD ("patterns-are-checked", test_patterns_are_checked);
#undef ADD
  return g_test_run ();
}
