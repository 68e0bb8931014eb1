/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/progress-ffmpeg.c,
 *        command-worker/progress-programs.c,
 *        command-worker/progress-reader.c
 *
 * What programs printed is in tests/command/output, byte by byte as it came through a pipe, or through a terminal. It
 * is replayed in all ways in which reads may cut it: the bar rises, and ends where the program ended. */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "progress-programs.h"
#include "progress-reader.h"

/* Where each cut is tried. Larger outputs are cut at some places. */
#define SMALL 1000
#define STRIDE 61

typedef struct
{
  const char *output; /* the file, and the test's name */
  ProgressStream stream;
  const char *command; /* words */
  double given;        /* the total that the caller knows */
  guint n_fractions;   /* different ones, when the bytes come one by one */
  double first;        /* of 100 */
  double last;         /* of 100 */
  double amount;       /* NAN: none */
  double total;
  const char *unit;
  const char *text; /* what the last one begins with; NULL: none */
} Replay;

static const Replay replays[] = {
  {"7z-bsp1", 1, "7z a -bsp1 a.7z data", 0, 54, 2, 75, NAN, 0, NULL, "1 + data/text30"},
  {"7z-x-bsp1", 1, "7z x -bsp1 a.7z", 0, 6, 45, 99, NAN, 0, NULL, "Compressed: 8295766"},
  {"apt-download-statusfd", 1, "apt-get download cowsay", 0, 3, 0, 99, NAN, 0, NULL, "W: Download is performed"},
  {"apt-install-statusfd", 1, "apt-get install sl", 0, 6, 0, 90, NAN, 0, NULL, "Processing triggers for man-db"},
  {"badblocks-s", 2, "badblocks -s disk", 0, 2, 0, 71.93, NAN, 0, NULL, "Pass completed, 0 bad blocks"},
  {"badblocks-ws", 2, "badblocks -ws disk", 0, 4, 0, 37.5, NAN, 0, NULL, "Reading and comparing: done"},
  {"borg-check-log-json", 2, "borg check --log-json", 0, 9, 20, 99, 2, 2, NULL, "Checking archives 50.0%"},
  {"borg-log-json", 2, "borg create --log-json", 0, 0, 0, 0, 139107688, 0, NULL, "Saving cache config"},
  {"convert-monitor", 2, "convert -monitor i.ppm o.png", 0, 77, 1.25, 62.67, NAN, 0, NULL, "Resize/Image/data[i.ppm]"},
  {"cryptsetup-reencrypt-json", 1, "cryptsetup --progress-json", 0, 4, 38.57, 99, 935329792, 935329792, "bytes", NULL},
  {"curl-bar", 2, "curl --progress-bar -o f http://h/f", 0, 3, 19.7, 99, NAN, 0, NULL, NULL},
  {"curl-meter", 2, "curl -o f http://h/f", 0, 2, 66, 99, 19922944, 19922944, "bytes", NULL},
  {"cwebp-progress", 2, "cwebp -progress i.png -o i.webp", 0, 41, 1, 97, NAN, 0, NULL, "filter level:"},
  {"dd", 2, "dd if=/dev/zero of=f bs=64k count=4000 status=progress", 0, 15, 8.15, 99, 262144000, 262144000, "bytes",
   "4000+0 records out"},
  {"dpkg", 2, "dpkg --status-fd 2 -i a.deb b.deb", 0, 4, 25, 99, 4, 4, NULL, "configure: ferry-b"},
  {"ffmpeg-plain", 2, "ffmpeg -i v.mkv v.mp4", 0, 14, 0.1, 99, 60.02, 60.02, "s", NULL},
  {"ffmpeg-plain-terminal", 0, "ffmpeg -i v.mkv v.mp4", 0, 12, 0.1, 99, 60.02, 60.02, "s", NULL},
  {"ffmpeg-progress", 1, "ffmpeg -i v.mkv -progress pipe:1 v.mp4", 60.023, 20, 0.12, 99, 60.023, 60.023, "s", NULL},
  {"genisoimage", 2, "genisoimage -o x.iso data", 0, 3, 25.37, 76.12, NAN, 0, NULL, "19706 extents written"},
  {"git-clone-progress", 2, "git clone --progress url", 0, 23, 6.67, 80, NAN, 0, NULL, "Receiving objects"},
  {"git-clone-progress-terminal", 0, "git clone url", 0, 23, 6.67, 80, NAN, 0, NULL, "Receiving objects"},
  {"gpg-status-fd", 2, "gpg --status-fd 2 -c m40", 0, 4, 0.02, 99, 39999488, 39999488, "bytes", "data/m40"},
  {"handbrake", 1, "HandBrakeCLI -i v.mkv -o v.mp4", 0, 11, 0, 96, NAN, 0, NULL, NULL},
  {"handbrake-terminal", 0, "HandBrakeCLI -i v.mkv -o v.mp4", 0, 8, 0, 96, NAN, 0, NULL, "HandBrake has exited."},
  {"make-cmake-style", 1, "make -j2", 0, 10, 16, 99, NAN, 0, NULL, "make: Leaving directory"},
  {"mke2fs", 1, "mke2fs f", 0, 0, 0, 0, NAN, 0, NULL, "Writing superblocks and filesystem"},
  {"ninja", 1, "ninja", 0, 29, 6.67, 99, 30, 30, NULL, "out o29"},
  {"ninja-terminal", 0, "/usr/bin/ninja", 0, 31, 0, 99, 30, 30, NULL, "out o29"},
  {"pv-f", 2, "pv -f m150", 0, 3, 34, 99, 149946368, 0, "bytes", NULL},
  {"pv-n", 2, "pv -n m150", 0, 3, 34, 99, NAN, 0, NULL, NULL},
  {"qemu-img-convert-p", 1, "qemu-img convert -p a b", 0, 85, 3.44, 99, NAN, 0, NULL, NULL},
  {"rclone-P", 1, "rclone copy -P a b", 0, 5, 36, 99, 155999797.248, 155999797.248, "bytes", "Elapsed time: 2.7s"},
  {"rclone-P-terminal", 0, "rclone copy -P a b", 0, 5, 37, 99, 155999797.248, 155999797.248, "bytes", "Elapsed time:"},
  {"rclone-json", 2, "rclone copy --use-json-log a b", 0, 0, 0, 0, 27045696, 156000000, "bytes", "{\"level\":\"info\""},
  {"rclone-oneline", 2, "rclone copy --stats-one-line a b", 0, 5, 35, 99, 155999797.248, 155999797.248, "bytes",
   "2026/11/26 20:18:40 INFO : a/large: Copied (new)"},
  {"restic-json", 1, "restic backup --json data", 0, 19, 1.67, 26.94, 40407452, 150000000, "bytes",
   "{\"message_type\""},
  {"restic-plain-terminal", 0, "restic backup data", 0, 16, 21.72, 49.53, NAN, 0, NULL, "[0:01] 19 files"},
  {"rsync-progress", 1, "rsync -a --progress a b", 0, 30, 18.42, 94.74, 36, 38, "files", "tree/d/f7"},
  {"rsync-progress2", 1, "rsync -a --info=progress2 a b", 0, 36, 0, 99, 156000000, 0, "bytes", NULL},
  {"rsync-progress2-nir", 1, "rsync -a --info=progress2 --no-inc-recursive a b", 0, 37, 0, 99, 156000000, 0, "bytes",
   NULL},
  {"tar-checkpoint", 2, "tar cf a.tar --checkpoint=2000 --checkpoint-action=echo=%u data", 184320000, 9, 11.11, 99,
   184309760, 184320000, "bytes", NULL},
  {"wget-bar-noscroll", 2, "wget -q --show-progress -O f http://h/f", 0, 20, 0, 99, 19996344.32, 0, "bytes", NULL},
  {"wget-default", 2, "wget -O f http://h/f", 0, 14, 0, 13, 2560000, 20000000, "bytes", "Saving to:"},
  {"xorriso-as-mkisofs", 2, "xorriso -as mkisofs -o x.iso data", 0, 2, 0, 47.75, NAN, 0, NULL, "Writing to "},
  {"xz-v-terminal", 0, "another-xz -v f", 0, 4, 62.6, 99, NAN, 0, NULL, "7809.4 KiB / 28.6 MiB"},
  {"zstd-progress", 2, "zstd --progress f", 0, 11, 0, 97.9, 29360128, 29989273.6, "bytes", "data/text30 : 28.01%"},
};

/* What a replay has told. */
typedef struct
{
  guint n;
  double first;
  ProgressReport report;
  char *text;
} Told;

static void
told_clear (Told *told)
{
  g_free (told->text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Told, told_clear)

static void
assert_text (const char *text)
{
  g_assert_cmpuint (strlen (text), <=, PROGRESS_MAX_TEXT);
  g_assert_cmpuint (strlen (text), >, 0);
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (at)));
}

/* The fraction rises, and is 1 at no time. */
static void
look (ProgressReader *reader, Told *told)
{
  double last = told->report.fraction;

  if (!progress_reader_take (reader, &told->report))
    return;
  if (!isnan (told->report.fraction) && told->report.fraction != last)
    {
      g_assert_cmpfloat (told->report.fraction, >=, 0);
      g_assert_cmpfloat (told->report.fraction, <=, PROGRESS_HIGHEST);
      if (told->n == 0)
        told->first = told->report.fraction;
      else
        g_assert_cmpfloat (told->report.fraction, >, last);
      told->n++;
    }
  g_free (told->text);
  told->text = g_strdup (told->report.text);
  told->report.text = told->text;
  if (told->text != NULL)
    assert_text (told->text);
}

static ProgressReader *
make_reader (const Replay *replay)
{
  g_auto (GStrv) argv = g_strsplit (replay->command, " ", -1);
  g_autoptr (GError) error = NULL;
  ProgressReader *reader =
    progress_reader_new (PROGRESS_AUTOMATIC, NULL, replay->given, (const char *const *) argv, NULL, NULL, &error);

  g_assert_no_error (error);
  return reader;
}

static void
feed (ProgressReader *reader, const Replay *replay, const char *bytes, gsize length, Told *told)
{
  progress_reader_feed (reader, replay->stream, bytes, length);
  look (reader, told);
}

static void
finish (ProgressReader *reader, Told *told)
{
  progress_reader_end (reader);
  look (reader, told);
}

static void
assert_numbers (const Replay *replay, const Told *told)
{
  const ProgressReport *report = &told->report;

  if (replay->n_fractions == 0)
    g_assert_true (isnan (report->fraction));
  else
    g_assert_cmpfloat_with_epsilon (100 * report->fraction, replay->last, 0.006);
  if (isnan (replay->amount))
    g_assert_true (isnan (report->amount));
  else
    g_assert_cmpfloat_with_epsilon (report->amount, replay->amount, 0.001);
  g_assert_cmpfloat_with_epsilon (report->total, replay->total, 0.001);
  g_assert_cmpstr (report->unit, ==, replay->unit);
}

static void
assert_ended (const Replay *replay, const Told *told)
{
  const ProgressReport *report = &told->report;

  assert_numbers (replay, told);
  if (replay->text == NULL)
    g_assert_null (report->text);
  else if (!g_str_has_prefix (report->text, replay->text))
    g_assert_cmpstr (report->text, ==, replay->text);
}

/* At once. */
static void
replay_whole (const Replay *replay, const char *bytes, gsize length)
{
  g_autoptr (ProgressReader) reader = make_reader (replay);
  g_auto (Told) told = {.report = {.fraction = NAN}};

  feed (reader, replay, bytes, length, &told);
  finish (reader, &told);
  assert_ended (replay, &told);
}

static void
replay_in_bytes (const Replay *replay, const char *bytes, gsize length)
{
  g_autoptr (ProgressReader) reader = make_reader (replay);
  g_auto (Told) told = {.report = {.fraction = NAN}};

  for (gsize i = 0; i < length; i++)
    feed (reader, replay, bytes + i, 1, &told);
  finish (reader, &told);
  g_assert_cmpuint (told.n, ==, replay->n_fractions);
  if (told.n > 0)
    g_assert_cmpfloat_with_epsilon (100 * told.first, replay->first, 0.006);
  assert_ended (replay, &told);
}

static void
replay_cut (const Replay *replay, const char *bytes, gsize length, gsize cut)
{
  g_autoptr (ProgressReader) reader = make_reader (replay);
  g_auto (Told) told = {.report = {.fraction = NAN}};

  feed (reader, replay, bytes, cut, &told);
  feed (reader, replay, bytes + cut, length - cut, &told);
  finish (reader, &told);
  assert_ended (replay, &told);
}

/* A pause anywhere, so that a piece is read that has not ended; what may be a question is a text then. */
static void
replay_with_pause (const Replay *replay, const char *bytes, gsize length, gsize cut)
{
  g_autoptr (ProgressReader) reader = make_reader (replay);
  g_auto (Told) told = {.report = {.fraction = NAN}};

  feed (reader, replay, bytes, cut, &told);
  progress_reader_flush (reader);
  look (reader, &told);
  feed (reader, replay, bytes + cut, length - cut, &told);
  finish (reader, &told);
  assert_numbers (replay, &told);
}

static void
test_replay (gconstpointer data)
{
  const Replay *replay = data;
  g_autofree char *name = g_strconcat (replay->output, ".bin", NULL);
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "command", "output", name, NULL);
  g_autofree char *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize length;

  g_file_get_contents (path, &bytes, &length, &error);
  g_assert_no_error (error);
  replay_whole (replay, bytes, length);
  replay_in_bytes (replay, bytes, length);
  for (gsize cut = 1; cut < length; cut += length <= SMALL ? 1 : STRIDE)
    {
      replay_cut (replay, bytes, length, cut);
      replay_with_pause (replay, bytes, length, cut);
    }
}

/* rsync, told to look for all files first, says no percentage that is less than one before: nothing had to be held. */
static void
test_rsync_says_what_rises (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "command", "output", "rsync-progress2-nir.bin", NULL);
  g_autoptr (GRegex) regex = g_regex_new ("(\\d+)%", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *bytes = NULL;
  gint64 last = 0;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &bytes, NULL, NULL));
  for (g_regex_match (regex, bytes, 0, &match); g_match_info_matches (match); g_match_info_next (match, NULL))
    {
      g_autofree char *text = g_match_info_fetch (match, 1);
      gint64 percent = g_ascii_strtoll (text, NULL, 10);

      g_assert_cmpint (percent, >=, last);
      last = percent;
      n++;
    }
  g_assert_cmpuint (n, >, 30);
  g_assert_cmpint (last, ==, 100);
}

/* ---- what the arguments say ---- */

static ProgressReader *
new_reader (const char *command, const char *program, const char *directory)
{
  g_auto (GStrv) argv = g_strsplit (command, " ", -1);
  g_autoptr (GError) error = NULL;
  ProgressReader *reader =
    progress_reader_new (PROGRESS_AUTOMATIC, NULL, 0, (const char *const *) argv, program, directory, &error);

  g_assert_no_error (error);
  return reader;
}

static void
assert_total (const char *command, const char *directory, double total)
{
  g_autoptr (ProgressReader) reader = new_reader (command, NULL, directory);

  g_assert_cmpfloat (progress_reader_get_total (reader), ==, total);
}

/* The files are words. */
static void
assert_files (const char *command, const char *directory, const char *expected)
{
  g_autoptr (ProgressReader) reader = new_reader (command, NULL, directory);
  const char *const *files = progress_reader_get_files (reader);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; files != NULL && files[i] != NULL; i++)
    {
      g_autofree char *name = g_path_get_basename (files[i]);

      g_string_append_printf (names, "%s%s", i > 0 ? " " : "", name);
    }
  g_assert_cmpstr (files != NULL ? names->str : NULL, ==, expected);
}

static void
assert_kind (const char *command, const char *directory, ProgressKind kind)
{
  g_autoptr (ProgressReader) reader = new_reader (command, NULL, directory);

  g_assert_cmpint (progress_reader_get_kind (reader), ==, kind);
}

/* Words: the arguments from the program on that is found, or NULL. */
static void
assert_found (const char *command, const char *name, const char *expected)
{
  g_auto (GStrv) argv = g_strsplit (command, "|", -1);
  g_auto (GStrv) arguments = NULL;
  g_autofree char *found = NULL;

  if (progress_programs_find ((const char *const *) argv, name, &arguments) != NULL)
    found = g_strjoinv (" ", arguments);
  g_assert_cmpstr (found, ==, expected);
}

static void
test_are_found_by_name_and_arguments (void)
{
  assert_found ("some-program|--progress", NULL, NULL);
  assert_found ("/usr/local/bin/rsync|-a|a|b", NULL, "/usr/local/bin/rsync -a a b");
  assert_found ("rsync|cp", NULL, "rsync cp");
  assert_kind ("some-program", NULL, PROGRESS_AUTOMATIC);
  assert_kind ("zstd f", NULL, PROGRESS_POSITION);
  assert_kind ("zstd --progress f", NULL, PROGRESS_PATTERN);
  assert_kind ("sha256sum f", NULL, PROGRESS_POSITION);
  assert_kind ("tar xf f", NULL, PROGRESS_POSITION);
  assert_kind ("tar cf f data", NULL, PROGRESS_AUTOMATIC);
}

static void
test_are_found_behind_others (void)
{
  static const char *const wrapped[] = {
    "nice|-n|10|dd|if=a",
    "env|-u|X|A=b|/bin/dd|if=a",
    "timeout|60|dd|if=a",
    "setpriv|--reuid|1000|dd|if=a",
    "setsid|-w|dd|if=a",
    "prlimit|--as=9|dd|if=a",
    "taskset|1|dd|if=a",
    "ionice|-c3|dd|if=a",
    "stdbuf|-oL|dd|if=a",
    "sudo|-u|root|--|dd|if=a",
    "pkexec|dd|if=a",
    "flatpak-spawn|--host|dd|if=a",
    "/usr/bin/nice|ionice|dd|if=a",
  };

  for (guint i = 0; i < G_N_ELEMENTS (wrapped); i++)
    assert_found (wrapped[i], NULL, i == 1 ? "/bin/dd if=a" : "dd if=a");
  assert_found ("some-program|dd|if=a", NULL, NULL);
  assert_found ("nice|some-program", NULL, NULL);
  assert_total ("nice dd if=/dev/zero of=c bs=1M count=3 status=progress", NULL, 3 * 1024 * 1024);
}

/* A copy by another name, and a script. */
static void
test_are_found_as_they_are_named (void)
{
  assert_found ("my-rsync|--info=progress2|a", "rsync", "my-rsync --info=progress2 a");
  assert_found ("sh|-c|cd x && rsync --info=progress2 a b", "rsync", "rsync --info=progress2 a b");
  assert_found ("rsync|a", "some-program", NULL);
}

/* What a command writes is no input. */
static void
test_read_files_of_their_arguments (void)
{
  g_autofree char *folder = g_dir_make_tmp ("ferry-test-XXXXXX", NULL);
  static const struct
  {
    const char *name;
    const char *contents;
  } files[] = {
    {"a", "0123456789"},
    {"b", "01234"},
    {"sums", "d41d8cd9  a\nd41d8cd9 *b\nnothing\n"},
    {"bsd", "SHA256 (a) = d41d8cd9\nSHA256 (b) = d41d8cd9\n"},
    {"list", "# films\nfile 'a'\nfile b\n"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (folder, files[i].name, NULL);

      g_assert_true (g_file_set_contents (path, files[i].contents, -1, NULL));
    }
  assert_files ("sha256sum a b missing", folder, "a b");
  assert_files ("sha256sum -c sums", folder, "a b");
  assert_files ("md5sum --check --quiet bsd", folder, "a b");
  assert_files ("gzip -k a", folder, "a");
  assert_files ("zstd -q -f a -o b", folder, "a");
  assert_files ("cp a b", folder, "a");
  assert_files ("cp -t . a b", folder, "a b");
  assert_kind ("cp a b .", folder, PROGRESS_POSITION);
  /* How much is in a folder is not known. */
  assert_kind ("cp -r . elsewhere", folder, PROGRESS_NONE);
  assert_kind ("sha256sum -c", folder, PROGRESS_NONE);
  assert_files ("ffmpeg -v error -i a c", folder, "a");
  assert_files ("ffmpeg -f concat -i list c", folder, "a b");
  assert_files ("ffmpeg -i a -i b c", folder, NULL);
  assert_files ("ffmpeg -ss 5 -i a c", folder, NULL);
  assert_total ("dd if=a of=c bs=4 status=progress", folder, 10);
  assert_total ("dd if=a of=c bs=4 count=2 status=progress", folder, 8);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *path = g_build_filename (folder, files[i].name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

static void
test_have_totals_of_their_arguments (void)
{
  assert_total ("dd if=/dev/zero of=c count=2 status=progress", NULL, 1024);
  assert_total ("dd if=/dev/zero of=c bs=1M count=3 status=progress", NULL, 3 * 1024 * 1024);
  assert_total ("dd if=/dev/zero of=c bs=1MB count=3 status=progress", NULL, 3000000);
  assert_total ("dd if=/dev/zero of=c status=progress", NULL, 0);
  assert_total ("dd if=/dev/zero of=c count=9 skip=2 status=progress", NULL, 0);
  assert_total ("dpkg -i a.deb b.deb", NULL, 4);
}

/* ---- ffmpeg ---- */

/* durations: what the log says of the inputs, a letter each: s 10, m 60, l 100 seconds, n: not known. */
static void
assert_film (const char *command, const char *durations, double total)
{
  g_autoptr (ProgressReader) reader = new_reader (command, NULL, NULL);

  for (; *durations != '\0'; durations++)
    {
      g_autofree char *line =
        g_strdup_printf ("  Duration: %s, start: 0.000000, bitrate: N/A\n", *durations == 's'   ? "00:00:10.00"
                                                                            : *durations == 'm' ? "00:01:00.00"
                                                                            : *durations == 'l' ? "00:01:40.00"
                                                                                                : "N/A");

      progress_reader_feed (reader, PROGRESS_ERROR, line, strlen (line));
    }
  g_assert_cmpfloat (progress_reader_get_total (reader), ==, total);
}

static void
test_ffmpeg_writes_what_its_options_leave (void)
{
  assert_film ("ffmpeg -i a c", "m", 60);
  assert_film ("ffmpeg -i a c", "", 0);
  assert_film ("ffmpeg -i a -t 0:00:30.5 c", "m", 30.5);
  assert_film ("ffmpeg -i a -t 100 c", "m", 60);
  assert_film ("ffmpeg -f lavfi -i testsrc -t 30 c", "n", 30);
  assert_film ("ffmpeg -v error -i a -t 30 c", "", 30);
  assert_film ("ffmpeg -ss 10 -i a c", "m", 50);
  assert_film ("ffmpeg -ss 10 -to 30 -i a c", "m", 20);
  assert_film ("ffmpeg -ss 10 -t 30 -i a c", "m", 30);
  assert_film ("ffmpeg -ss 50 -t 30 -i a c", "m", 10);
  assert_film ("ffmpeg -i a -ss 10 c", "m", 50);
  assert_film ("ffmpeg -i a -ss 10 -to 30 c", "m", 20);
  assert_film ("ffmpeg -ss 10 -i a -to 5 c", "m", 5);
  assert_film ("ffmpeg -i a c", "n", 0);
  assert_film ("ffmpeg -i a -t 5000ms c", "m", 5);
  assert_film ("ffmpeg -ss 10s -i a -t 5s c", "m", 5);
  assert_film ("ffmpeg -ss 50000000us -i a c", "m", 10);
  assert_film ("ffmpeg -i a -t soon c", "m", 0);
}

static void
test_ffmpeg_reads_several_inputs (void)
{
  assert_film ("ffmpeg -i a -i b -shortest c", "ml", 60);
  assert_film ("ffmpeg -i a -ss 55 -i b -shortest c", "ml", 45);
  assert_film ("ffmpeg -i a -i b -map 0:v -map 1:a c", "ml", 100);
  assert_film ("ffmpeg -i a -i b -map 0 c", "ml", 60);
  assert_film ("ffmpeg -i a -i b c", "mm", 60);
  /* Which of them is used is not known. */
  assert_film ("ffmpeg -i a -i b c", "ml", 0);
  assert_film ("ffmpeg -i a -i b c", "m", 0);
  assert_film ("ffmpeg -loop 1 -i a.png -i b -shortest c", "nm", 60);
  assert_film ("ffmpeg -i a -i b -filter_complex [0:v][1:v]concat=n=2:v=1:a=0 c", "ml", 160);
  assert_film ("ffmpeg -i a -i b -filter_complex [0:v][1:v]hstack c", "ml", 100);
  assert_film ("ffmpeg -i a -i b -filter_complex [0:v][1:v]xfade=offset=5 c", "ml", 0);
}

/* The time that it says is of the one that is ahead. */
static void
test_ffmpeg_writes_several_outputs (void)
{
  assert_film ("ffmpeg -i a -t 20 c -t 3 d", "m", 0);
  assert_film ("ffmpeg -i a c -y -t 3 d", "m", 0);
  assert_film ("ffmpeg -i a -c:v libx264 -t 20 -y c -unknown -t 3 -an d", "m", 0);
  assert_film ("ffmpeg -i a -t 20 c -t 20 d", "m", 20);
  assert_film ("ffmpeg -i a -c:v libx264 -b:v 1M c -c:v copy d", "m", 60);
  assert_film ("ffmpeg -i a -t 20 c -y -v error", "m", 20);
  assert_film ("ffmpeg -i a -vf zoompan=d=25 c", "m", 0);
}

static void
test_ffmpeg_is_not_guessed (void)
{
  assert_film ("ffmpeg -i a -vf setpts=0.5*PTS c", "m", 0);
  assert_film ("ffmpeg -i a -af atempo=2 c", "m", 0);
  assert_film ("ffmpeg -stream_loop 3 -i a c", "m", 0);
  assert_film ("ffmpeg -i a -frames:v 10 c", "m", 0);
  assert_film ("ffmpeg -sseof -5 -i a c", "m", 0);
  assert_film ("ffmpeg -i a -vf scale=320:-1 c", "m", 60);
  assert_film ("ffmpeg -i a -fflags +genpts -metadata title=x c", "m", 60);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (replays); i++)
    {
      g_autofree char *name = g_strdup_printf ("/progress-programs/replay/%s", replays[i].output);

      g_test_add_data_func (name, &replays[i], test_replay);
    }
  g_test_add_func ("/progress-programs/rsync-says-what-rises", test_rsync_says_what_rises);
  g_test_add_func ("/progress-programs/are-found-by-name-and-arguments", test_are_found_by_name_and_arguments);
  g_test_add_func ("/progress-programs/are-found-behind-others", test_are_found_behind_others);
  g_test_add_func ("/progress-programs/are-found-as-they-are-named", test_are_found_as_they_are_named);
  g_test_add_func ("/progress-programs/read-files-of-their-arguments", test_read_files_of_their_arguments);
  g_test_add_func ("/progress-programs/have-totals-of-their-arguments", test_have_totals_of_their_arguments);
  g_test_add_func ("/progress-programs/ffmpeg-writes-what-its-options-leave",
                   test_ffmpeg_writes_what_its_options_leave);
  g_test_add_func ("/progress-programs/ffmpeg-reads-several-inputs", test_ffmpeg_reads_several_inputs);
  g_test_add_func ("/progress-programs/ffmpeg-writes-several-outputs", test_ffmpeg_writes_several_outputs);
  g_test_add_func ("/progress-programs/ffmpeg-is-not-guessed", test_ffmpeg_is_not_guessed);
  return g_test_run ();
}
