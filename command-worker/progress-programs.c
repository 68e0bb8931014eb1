/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of well-known programs: for each, what it prints with which argument, and where its total is from. It is
 * data, and a row is tried with what the program printed: see tests/command/output. A pattern goes by numbers and
 * signs, and by words only where they are a protocol: people run programs in their own language. A program that is not
 * here is read by the line that it draws over, which is right for 7z, qemu-img, tqdm and many others. */

#include "config.h"

#include "progress-programs.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "progress-ffmpeg.h"
#include "progress-number.h"

/* ---- totals ---- */

/* Returns (transfer full) the place of a file that an argument names. */
static char *
place_of (const char *name, const char *directory)
{
  return directory != NULL && !g_path_is_absolute (name) ? g_build_filename (directory, name, NULL) : g_strdup (name);
}

/* Options whose value is no file that is read, as gzip, zstd and cp have them. */
static const char *const other_values[] = {"-o", "-D", "-S", "-t", NULL};

/* Takes the files of the first n arguments. Returns (transfer full) (nullable): NULL where one is a folder. */
static char **
list_files (const char *const *argv, guint n, const char *directory)
{
  g_autoptr (GStrvBuilder) files = g_strv_builder_new ();

  for (guint i = 1; i < n; i++)
    {
      g_autofree char *path = place_of (argv[i], directory);

      if (g_strv_contains (other_values, argv[i - 1]) || argv[i][0] == '-')
        continue;
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        return NULL;
      if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
        g_strv_builder_add (files, path);
    }
  return g_strv_builder_end (files);
}

static char **
files_of_arguments (const char *const *argv, const char *directory)
{
  return list_files (argv, g_strv_length ((char **) argv), directory);
}

/* The last name is where they go, unless -t says it. */
static char **
files_to_copy (const char *const *argv, const char *directory)
{
  guint n = g_strv_length ((char **) argv);

  return list_files (argv, g_strv_contains (argv, "-t") ? n : MAX (n, 1) - 1, directory);
}

/* Returns (nullable) the name in a line of a list of sums: "d41d8c… *name", "SHA256 (name) = d41d8c…". */
static const char *
name_in_line (char *line)
{
  const char *begin = strstr (line, " (");
  char *end = g_strrstr (line, ") = ");

  g_strchomp (line);
  if (begin != NULL && end > begin)
    {
      *end = '\0';
      return begin + 2;
    }
  begin = strchr (line, ' ');
  return begin != NULL && begin[1] != '\0' ? begin + 2 : NULL;
}

/* The files that the lists name; the lists themselves are small. */
static char **
files_in_lists (const char *const *argv, const char *directory)
{
  g_auto (GStrv) lists = files_of_arguments (argv, directory);
  g_autoptr (GStrvBuilder) files = g_strv_builder_new ();

  for (guint i = 0; lists != NULL && lists[i] != NULL; i++)
    {
      g_autofree char *text = NULL;
      g_auto (GStrv) lines = g_file_get_contents (lists[i], &text, NULL, NULL) ? g_strsplit (text, "\n", -1) : NULL;

      for (guint line = 0; lines != NULL && lines[line] != NULL; line++)
        {
          const char *name = name_in_line (lines[line]);
          g_autofree char *path = name != NULL ? place_of (name, directory) : NULL;

          if (path != NULL)
            g_strv_builder_add (files, path);
        }
    }
  return lists != NULL && lists[0] != NULL ? g_strv_builder_end (files) : NULL;
}

static const char *
find_value (const char *const *argv, const char *prefix)
{
  const char *value = NULL;

  for (guint i = 1; argv[i] != NULL; i++)
    if (g_str_has_prefix (argv[i], prefix))
      value = argv[i] + strlen (prefix);
  return value;
}

/* "64k" of dd, where a kB are 1000 bytes and a block of 'c' one. Returns NAN where it is written otherwise. */
static double
read_size (const char *text)
{
  ProgressNumber number;
  const char *end = progress_number_parse (text, FALSE, &number);

  return end != NULL && *end == '\0' ? number.value : NAN;
}

/* count= blocks of bs=, and not more than the file of if= has. */
static double
total_of_dd (const char *const *argv, const char *directory, const double *said, guint n_said)
{
  const char *input = find_value (argv, "if=");
  const char *count = find_value (argv, "count=");
  const char *block = find_value (argv, "bs=");
  double total = INFINITY;

  if (find_value (argv, "skip=") != NULL || find_value (argv, "iflag=") != NULL)
    return 0;
  if (block == NULL)
    block = find_value (argv, "ibs=");
  if (count != NULL)
    total = read_size (count) * (block != NULL ? read_size (block) : 512);
  if (input != NULL)
    {
      g_autofree char *path = place_of (input, directory);
      struct stat status;

      if (stat (path, &status) == 0 && S_ISREG (status.st_mode))
        total = MIN (total, (double) status.st_size);
    }
  return isfinite (total) ? total : 0;
}

static double
total_of_ffmpeg (const char *const *argv, const char *directory, const double *said, guint n_said)
{
  return progress_ffmpeg_total (argv, said, n_said);
}

/* Each package is unpacked, and then installed. */
static double
steps_of_dpkg (const char *const *argv, const char *directory, const double *said, guint n_said)
{
  double n_steps = 0;

  for (guint i = 1; argv[i] != NULL; i++)
    if (g_str_has_suffix (argv[i], ".deb"))
      n_steps += 2;
  return n_steps;
}

/* Of several addresses, a percentage is of one of them. */
static double
total_of_download (const char *const *argv, const char *directory, const double *said, guint n_said)
{
  guint n = 0;

  for (guint i = 1; argv[i] != NULL; i++)
    {
      if (strcmp (argv[i], "-i") == 0 || strcmp (argv[i], "-r") == 0 || strcmp (argv[i], "-m") == 0)
        return NAN;
      n += argv[i][0] != '-' && strstr (argv[i], "://") != NULL;
    }
  if (n > 1)
    return NAN;
  return n_said > 0 ? said[n_said - 1] : 0;
}

/* While it looks for files, its percentage is of those that it has found. */
static double
total_of_rsync (const char *const *argv, const char *directory, const double *said, guint n_said)
{
  const gboolean is_counted = g_strv_contains (argv, "--no-inc-recursive") || g_strv_contains (argv, "--no-i-r");

  return is_counted ? 0 : NAN;
}

/* ---- patterns ---- */

#define SIZE "[\\d.,]+ *[KMGTP]?i?B"
#define TIME "\\d+:\\d\\d:\\d\\d(?:\\.\\d+)?"

/* What ffmpeg tells of files and codecs is no news for a person, who sees a bar. Faults and questions are. */
#define FFMPEG_LOG "^(?!\\w+=|.*(?:time=|[Ee]rror|[Ii]nvalid|No such|\\? \\[))"
#define FFMPEG "Duration: (?<total>" TIME "|N/A)|(?:^out_|\\b)time=(?<done>-?" TIME ")|" FFMPEG_LOG

/* Of what was received, and where that is 0, of what was sent. The first column is 100 where the length is not known,
 * and the others are 0. */
#define CURL_SIZE "[\\d.]+[kMGTP]?"
#define CURL_TIMES "\\s+[-\\d:]+\\s+[-\\d:]+\\s+[-\\d:]+\\s+\\S+$"

#define CURL                                                                                                           \
  "^\\d+\\s+(?<total>" CURL_SIZE ")\\s+(?<percent>[1-9]\\d*)\\s+(?<done>" CURL_SIZE                                    \
  ")\\s+\\d+(?:\\s+\\S+){3}" CURL_TIMES "|^\\d+\\s+(?<total>" CURL_SIZE                                                \
  ")\\s+0\\s+0\\s+(?<percent>[1-9]\\d*)\\s+(?<done>" CURL_SIZE ")(?:\\s+\\S+){2}" CURL_TIMES                           \
  "|^\\d+\\s+\\S+\\s+0\\s+(?<done>" CURL_SIZE ")\\s+\\d+(?:\\s+\\S+){3}" CURL_TIMES                                    \
  "|^[#\\s]*(?<percent>\\d+[.,]\\d)%$"                                                                                 \
  "|^(?:% Total|Dload) "

/* A bar; dots, after which there is no percentage where the length is not known; the length. */
#define WGET                                                                                                           \
  "(?<percent>\\d+)%\\[.*\\]\\s+(?<done>[\\d.,]+[KMGT]?)\\s"                                                           \
  "|^(?<done>\\d+K)[ .,]+(?:(?<percent>\\d+)%|[\\d.,]+[KMG]?$|$)"                                                      \
  "|^\\D+[:：] ?(?<total>\\d+) [(\\[]"

/* What else it says on that descriptor is for programs. */
#define GPG "^\\[GNUPG:\\] (?:PROGRESS (?<text>\\S+) \\S (?<done>\\d+) (?<total>\\d+(?: [KMG]?i?B)?)$)?"

#define DPKG "^processing: (?<text>.*)|^status: \\S+: (?:(?<step>unpacked|installed)$)?"

#define RCLONE "(?<done>" SIZE ") / (?<total>" SIZE "), (?<percent>\\d+)%"

#define STEPS_IN_BRACKETS "^\\[\\s*(?:(?<percent>\\d+)%|(?<done>\\d+)/(?<total>\\d+))\\]\\s*(?<text>.*)"

#define PHASE "(?<phase>(?<text>[^:]+))"

#define GIT "^" PHASE ":\\s+\\d+% \\((?<done>\\d+)/(?<total>\\d+)\\)"

#define APT_DOWNLOAD "^dlstatus:[^:]*:(?<percent>[\\d.]+):(?<text>.*)"
#define APT "^(?<phase>dlstatus|pmstatus):[^:]*:(?<percent>[\\d.]+):(?<text>.*)"

/* "#7 [2/4] RUN make": the steps before it are done. */
#define DOCKER_BUILD "^(?:#\\d+ \\[|\\w+ )(?<task>\\d+)/(?<tasks>\\d+)(?:\\]| :) (?<text>.*)"

/* "2/5… ███ 17%  1.3 MB/s", or "… ███ 17%" of one. */
#define FLATPAK "(?:(?<task>\\d+)/(?<tasks>\\d+))?…[^%]*?(?<percent>\\d+)%"

#define IMAGEMAGICK "^" PHASE ": (?<done>\\d+) \\w+ (?<total>\\d+), \\d+% "

/* Each file that is fetched is as long as it says. */
#define PIP "(?<done>[\\d.]+)/(?<total>(?<phase>[\\d.]+ [kMG]B))\\b"

#define YT_DLP "^\\[download\\]\\s+(?:(?<percent>[\\d.]+)%|\\D+ (?<task>\\d+) \\D+ (?<tasks>\\d+)$)"

/* Of a clone, what the server prepares is text; then objects are fetched, deltas resolved, and files written. */
static const ProgressPhase git_fetch_phases[] = {{"", 80}, {"", 15}, {"", 5}, {NULL}};

/* Objects are counted, compressed, and sent. */
static const ProgressPhase git_push_phases[] = {{"", 5}, {"", 15}, {"", 80}, {NULL}};

static const ProgressPhase apt_phases[] = {{"dlstatus", 50}, {"pmstatus", 50}, {NULL}};

/* Four patterns are written, and read. */
static const ProgressPhase badblocks_phases[] = {{"", 1}, {"", 1}, {"", 1}, {"", 1}, {"", 1},
                                                 {"", 1}, {"", 1}, {"", 1}, {NULL}};

/* Phases whose number nobody knows. */
static const ProgressPhase some_phases[] = {{NULL}};

/* ---- the table ---- */

#define PATTERN(text, ...)                                                                                             \
  {                                                                                                                    \
    .kind = PROGRESS_PATTERN, .pattern = text, __VA_ARGS__                                                             \
  }
#define SILENT                                                                                                         \
  {                                                                                                                    \
    .kind = PROGRESS_NONE                                                                                              \
  }
#define POSITION                                                                                                       \
  {                                                                                                                    \
    .kind = PROGRESS_POSITION                                                                                          \
  }
#define JSON(names, ...)                                                                                               \
  {                                                                                                                    \
    .kind = PROGRESS_JSON, .pattern = names, __VA_ARGS__                                                               \
  }

#define PERCENT                                                                                                        \
  {                                                                                                                    \
    .kind = PROGRESS_PERCENT                                                                                           \
  }
#define READS(files) POSITION, SILENT, .find_files = files

static const ProgressProgram programs[] = {
  {"apt*", "download", PATTERN (APT_DOWNLOAD), PATTERN (APT_DOWNLOAD)},
  {"apt*", "update", PATTERN (APT_DOWNLOAD), PATTERN (APT_DOWNLOAD)},
  {"apt*", NULL, PATTERN (APT), PATTERN (APT), apt_phases},
  {"badblocks", "-*w*", SILENT, PATTERN ("^" PHASE ".*:\\s+(?<percent>[\\d.,]+)% \\p{L}"), badblocks_phases},
  {"badblocks", NULL, SILENT, PATTERN ("(?<percent>[\\d.,]+)% \\p{L}")},
  {"borg", "--log-json", SILENT, JSON ("done=current|original_size total=total text=message|path")},
  {"bunzip2", NULL, READS (files_of_arguments)},
  {"bzip2", NULL, READS (files_of_arguments)},
  {"cargo", NULL, SILENT, PATTERN ("\\] (?<done>\\d+)/(?<total>\\d+)(?:: (?<text>.*))?$")},
  {"cmake", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"convert", NULL, SILENT, PATTERN (IMAGEMAGICK)},
  {"cp", NULL, READS (files_to_copy)},
  {"cryptsetup", "--progress-json", JSON ("done=device_bytes total=device_size", .unit = "bytes"), SILENT},
  {"curl", NULL, SILENT, PATTERN (CURL, .unit = "bytes"), NULL, total_of_download},
  {"cwebp", NULL, SILENT, PATTERN ("^\\[(?<text>.*)\\]:\\s+(?<percent>\\d+) %")},
  {"dd", "status=progress", SILENT, PATTERN ("^(?<done>\\d+)\\s*\\p{L}", .unit = "bytes"), NULL, total_of_dd},
  {"dd", NULL, POSITION, SILENT, NULL, total_of_dd},
  {"docker", "build", PATTERN (DOCKER_BUILD), PATTERN (DOCKER_BUILD)},
  {"docker", NULL, SILENT, SILENT},
  {"dpkg", NULL, PATTERN (DPKG), PATTERN (DPKG), NULL, steps_of_dpkg},
  {"ffmpeg",
   NULL,
   {.kind = PROGRESS_KEYS, .pattern = "done=out_time_us/1000000 end=progress", .unit = "s"},
   PATTERN (FFMPEG, .unit = "s"),
   NULL,
   total_of_ffmpeg,
   progress_ffmpeg_files},
  {"flatpak", NULL, PATTERN (FLATPAK), PATTERN (FLATPAK)},
  {"genisoimage", NULL, SILENT, PERCENT},
  {"git", "clone", SILENT, PATTERN (GIT), git_fetch_phases},
  {"git", "fetch", SILENT, PATTERN (GIT), git_fetch_phases},
  {"git", "pull", SILENT, PATTERN (GIT), git_fetch_phases},
  {"git", "push", SILENT, PATTERN (GIT), git_push_phases},
  {"git", NULL, SILENT, PATTERN (GIT)},
  {"gpg*", NULL, PATTERN (GPG), PATTERN (GPG)},
  {"gunzip", NULL, READS (files_of_arguments)},
  {"gzip", NULL, READS (files_of_arguments)},
  {"HandBrakeCLI", NULL, PATTERN ("^\\w+: \\w+ (?<task>\\d+) \\w+ (?<tasks>\\d+), (?<percent>\\d+[.,]\\d+) %"), SILENT},
  {"magick", NULL, SILENT, PATTERN (IMAGEMAGICK)},
  {"make", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"meson", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"mke2fs", NULL, SILENT, SILENT},
  {"mkfs.ext?", NULL, SILENT, SILENT},
  {"mkisofs", NULL, SILENT, PERCENT},
  {"ninja", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"pip*", NULL, PATTERN (PIP), SILENT},
  {"pv", "-n*", SILENT, {.kind = PROGRESS_NUMBER, .unit = "bytes"}},
  {"pv", "--numeric", SILENT, {.kind = PROGRESS_NUMBER, .unit = "bytes"}},
  {"pv", NULL, SILENT, PATTERN ("^(?:(?<done>" SIZE ")\\s.*)?\\b(?<percent>\\d+)%(?:\\s+ETA [\\d:]+)?$")},
  {"rclone", "--use-json-log", SILENT, JSON ("done=stats.bytes total=stats.totalBytes", .unit = "bytes")},
  {"rclone", NULL, PATTERN (RCLONE), PATTERN (RCLONE)},
  {"restic", "--json",
   JSON ("fraction=percent_done done=bytes_done total=total_bytes text=current_files", .unit = "bytes"), SILENT},
  {"rsync", "--info=*progress2*",
   PATTERN ("^(?<done>[\\d.,]+[KMGTP]?)\\s+(?<percent>\\d+)%\\s+\\S+/s", .unit = "bytes", .grouped = TRUE), SILENT,
   NULL, total_of_rsync, NULL, "to-chk="},
  {"rsync", NULL,
   PATTERN ("^[\\d.,]+[KMGTP]?\\s+\\d+%\\s+\\S+/s(?:.*to-chk=(?<left>\\d+)/(?<total>\\d+))?", .unit = "files"), SILENT},
  {"tar", "--checkpoint*", PATTERN ("\\b[WR]: (?<done>\\d+)", .unit = "bytes"),
   PATTERN ("\\b[WR]: (?<done>\\d+)", .unit = "bytes")},
  {"tar", "-x*", POSITION, SILENT},
  {"tar", "x*", POSITION, SILENT},
  {"unxz", NULL, READS (files_of_arguments)},
  {"unzstd", NULL, READS (files_of_arguments)},
  {"wget", NULL, SILENT, PATTERN (WGET, .unit = "bytes"), NULL, total_of_download},
  {"xorriso*", NULL, SILENT, PERCENT},
  {"xz", NULL, READS (files_of_arguments)},
  {"youtube-dl*", NULL, PATTERN (YT_DLP), SILENT, some_phases},
  {"yt-dlp*", NULL, PATTERN (YT_DLP), SILENT, some_phases},
  {"zstd", "-d*", READS (files_of_arguments)},
  {"zstd", "--progress", SILENT, PATTERN ("Read:\\s*(?<done>" SIZE ")\\s*/\\s*(?<total>" SIZE ")")},
  {"zstd", NULL, READS (files_of_arguments)},
  {"*sum", "-c*", READS (files_in_lists)},
  {"*sum", "--check", READS (files_in_lists)},
  {"*sum", NULL, READS (files_of_arguments)},
};

/* Programs that run the one that their arguments name. */
static const char *const wrappers[] = {
  "chrt",   "doas",   "env",    "flatpak-spawn", "ionice",  "nice", "nohup",   "pkexec",  "prlimit", "setpriv",
  "setsid", "stdbuf", "strace", "sudo",          "taskset", "time", "timeout", "unshare", NULL,
};

static gboolean
has_argument (const char *const *argv, const char *pattern)
{
  for (guint i = 1; argv[i] != NULL; i++)
    if (g_pattern_match_simple (pattern, argv[i]))
      return TRUE;
  return FALSE;
}

static const ProgressProgram *
find_row (const char *name, const char *const *arguments)
{
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    if (g_pattern_match_simple (programs[i].name, name) &&
        (programs[i].argument == NULL || has_argument (arguments, programs[i].argument)))
      return &programs[i];
  return NULL;
}

/* Returns the place of the program with that name (nullable) in words, or NULL. Without a name, it is the first of them
 * that is known, behind those that run others. */
static const char *const *
find_program (const char *const *words, const char *name)
{
  for (guint i = 0; words[i] != NULL; i++)
    {
      g_autofree char *base = g_path_get_basename (words[i]);

      if (name != NULL ? strcmp (base, name) == 0 : find_row (base, words + i) != NULL)
        return words + i;
      if (i == 0 && name == NULL && !g_strv_contains (wrappers, base))
        return NULL;
    }
  return NULL;
}

/* Finds what is known of the program with these arguments.
 *
 * name: (nullable): of the program as which it is read. It may be a word of a script: sh -c "rsync a b && rm a".
 * arguments: (out) (transfer full): those of the program, which is the first.
 *
 * Returns (nullable): the row. */
const ProgressProgram *
progress_programs_find (const char *const *argv, const char *name, char ***arguments)
{
  g_autofree char *text = name != NULL ? g_strjoinv (" ", (char **) argv) : NULL;
  g_auto (GStrv) words = text != NULL ? g_strsplit_set (text, " \t\n", -1) : g_strdupv ((char **) argv);
  const char *const *place = find_program ((const char *const *) words, name);
  g_autofree char *base = NULL;

  *arguments = g_strdupv ((char **) (place != NULL ? place : argv));
  if (place == NULL && name == NULL)
    return NULL;
  base = name != NULL ? g_strdup (name) : g_path_get_basename (place[0]);
  return find_row (base, (const char *const *) *arguments);
}
