/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of well-known programs: for each, what it prints with which argument, and where its total is from. It is
 * data, and a row is tried with what the program printed: see tests/command/output. A program that is not here is read
 * by the one percentage of a line, which is right for 7z, qemu-img, genisoimage, xorriso and many others. */

#include "config.h"

#include "progress-programs.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "progress-number.h"

/* ---- totals ---- */

/* Returns (transfer full) the place of a file that an argument names. */
static char *
place_of (const char *name, const char *directory)
{
  return directory != NULL && !g_path_is_absolute (name) ? g_build_filename (directory, name, NULL) : g_strdup (name);
}

/* The bytes of all files that are named; NAN where a folder is. */
static double
sum_of_files (const char *const *argv, const char *directory)
{
  double sum = 0;

  for (guint i = 1; argv[i] != NULL; i++)
    {
      g_autofree char *path = place_of (argv[i], directory);
      struct stat status;

      if (argv[i][0] == '-' || stat (path, &status) < 0)
        continue;
      if (S_ISDIR (status.st_mode))
        return NAN;
      if (S_ISREG (status.st_mode))
        sum += (double) status.st_size;
    }
  return sum;
}

/* The last name is where they go. */
static double
sum_of_copied_files (const char *const *argv, const char *directory)
{
  guint length = g_strv_length ((char **) argv);
  g_autofree const char **sources = g_new0 (const char *, length + 1);

  memcpy (sources, argv, (length > 0 ? length - 1 : 0) * sizeof *sources);
  return sum_of_files (sources, directory);
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
total_of_dd (const char *const *argv, const char *directory)
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

/* What -t says; what the program prints of its input is used otherwise. */
static double
total_of_ffmpeg (const char *const *argv, const char *directory)
{
  for (guint i = 1; argv[i] != NULL && argv[i + 1] != NULL; i++)
    if (strcmp (argv[i], "-t") == 0)
      {
        double seconds = progress_number_read (argv[i + 1], FALSE);

        return isnan (seconds) ? 0 : seconds;
      }
  return 0;
}

/* Each package is unpacked, and then installed. */
static double
steps_of_dpkg (const char *const *argv, const char *directory)
{
  double n_steps = 0;

  for (guint i = 1; argv[i] != NULL; i++)
    if (g_str_has_suffix (argv[i], ".deb"))
      n_steps += 2;
  return n_steps;
}

/* ---- patterns ---- */

#define SIZE "[\\d.,]+ *[KMGTP]?i?B"
#define TIME "\\d+:\\d\\d:\\d\\d(?:\\.\\d+)?"

/* What ffmpeg tells of files and codecs is no news for a person, who sees a bar. Faults and questions are. */
#define FFMPEG_LOG "^(?!\\w+=|.*(?:Duration: |time=|[Ee]rror|[Ii]nvalid|No such|\\? \\[))"

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

#define WGET                                                                                                           \
  "(?<percent>\\d+)%\\[.*\\]\\s+(?<done>[\\d.,]+[KMGT]?)\\s"                                                           \
  "|^(?<done>\\d+K)[ .,]+(?<percent>\\d+)%"                                                                            \
  "|^\\w+: (?<total>\\d+) [(\\[]"

/* What else it says on that descriptor is for programs. */
#define GPG "^\\[GNUPG:\\] (?:PROGRESS (?<text>\\S+) \\S (?<done>\\d+) (?<total>\\d+(?: [KMG]?i?B)?)$)?"

#define DPKG "^processing: (?<text>.*)|^status: \\S+: (?:(?<step>unpacked|installed)$)?"

#define RCLONE "(?<done>" SIZE ") / (?<total>" SIZE "), (?<percent>\\d+)%"

#define STEPS_IN_BRACKETS "^\\[\\s*(?:(?<percent>\\d+)%|(?<done>\\d+)/(?<total>\\d+))\\]\\s*(?<text>.*)"

#define PHASE "(?<phase>(?<text>[^:]+))"

#define GIT "^(?:remote: )?" PHASE ":\\s+\\d+% \\((?<done>\\d+)/(?<total>\\d+)\\)"

#define APT_DOWNLOAD "^dlstatus:[^:]*:(?<percent>[\\d.]+):(?<text>.*)"
#define APT "^(?<phase>dlstatus|pmstatus):[^:]*:(?<percent>[\\d.]+):(?<text>.*)"

static const ProgressPhase git_clone_phases[] = {
  {"Counting objects", 5},  {"Compressing objects", 10}, {"Receiving objects", 60},
  {"Resolving deltas", 15}, {"Updating files", 10},      {NULL},
};

static const ProgressPhase apt_phases[] = {{"dlstatus", 50}, {"pmstatus", 50}, {NULL}};

static const ProgressPhase badblocks_phases[] = {
  {"Testing", 1}, {"Reading", 1}, {"Testing", 1}, {"Reading", 1}, {"Testing", 1},
  {"Reading", 1}, {"Testing", 1}, {"Reading", 1}, {NULL},
};

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

static const ProgressProgram programs[] = {
  {"7z*", NULL, {.kind = PROGRESS_PERCENT}, SILENT},
  {"apt*", "download", PATTERN (APT_DOWNLOAD), PATTERN (APT_DOWNLOAD)},
  {"apt*", "update", PATTERN (APT_DOWNLOAD), PATTERN (APT_DOWNLOAD)},
  {"apt*", NULL, PATTERN (APT), PATTERN (APT), apt_phases},
  {"badblocks", "-*w*", SILENT, PATTERN ("^" PHASE ".*:\\s+(?<percent>[\\d.,]+)% done"), badblocks_phases},
  {"badblocks", NULL, SILENT, PATTERN ("(?<percent>[\\d.,]+)% done")},
  {"borg", "--log-json", SILENT, JSON ("done=current|original_size total=total text=message|path")},
  {"bunzip2", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"bzip2", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"cmake", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"convert", NULL, SILENT, PATTERN ("^" PHASE ": (?<done>\\d+) of (?<total>\\d+), \\d+% complete")},
  {"cp", NULL, POSITION, SILENT, NULL, sum_of_copied_files},
  {"cryptsetup", "--progress-json", JSON ("done=device_bytes total=device_size", .unit = "bytes"), SILENT},
  {"curl", NULL, SILENT, PATTERN (CURL, .unit = "bytes")},
  {"cwebp", NULL, SILENT, PATTERN ("^\\[(?<text>.*)\\]:\\s+(?<percent>\\d+) %")},
  {"dd", "status=progress", SILENT, PATTERN ("^(?<done>\\d+) \\w+ \\(", .unit = "bytes"), NULL, total_of_dd},
  {"dd", NULL, POSITION, SILENT, NULL, total_of_dd},
  {"dpkg", NULL, PATTERN (DPKG), PATTERN (DPKG), NULL, steps_of_dpkg},
  {"ffmpeg",
   NULL,
   {.kind = PROGRESS_KEYS, .pattern = "done=out_time_us/1000000 end=progress", .unit = "s"},
   PATTERN ("Duration: (?<total>" TIME ")|(?:^out_|\\b)time=(?<done>-?" TIME ")|" FFMPEG_LOG, .unit = "s"),
   NULL,
   total_of_ffmpeg},
  {"git", "clone", SILENT, PATTERN (GIT), git_clone_phases},
  {"git", NULL, SILENT, PATTERN (GIT)},
  {"gpg*", NULL, PATTERN (GPG), PATTERN (GPG)},
  {"gunzip", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"gzip", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"HandBrakeCLI", NULL, PATTERN ("^Encoding: task (?<task>\\d+) of (?<tasks>\\d+), (?<percent>\\d+[.,]\\d+) %"),
   SILENT},
  {"magick", NULL, SILENT, PATTERN ("^" PHASE ": (?<done>\\d+) of (?<total>\\d+), \\d+% complete")},
  {"make", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"meson", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"mke2fs", NULL, PATTERN ("^" PHASE ":\\s+(?<done>\\d+)/(?<total>\\d+)$"), SILENT},
  {"mkfs.ext?", NULL, PATTERN ("^" PHASE ":\\s+(?<done>\\d+)/(?<total>\\d+)$"), SILENT},
  {"ninja", NULL, PATTERN (STEPS_IN_BRACKETS), SILENT},
  {"pv", "-n*", SILENT, {.kind = PROGRESS_NUMBER, .unit = "bytes"}},
  {"pv", "--numeric", SILENT, {.kind = PROGRESS_NUMBER, .unit = "bytes"}},
  {"pv", NULL, SILENT, PATTERN ("^(?:(?<done>" SIZE ")\\s.*)?\\b(?<percent>\\d+)%(?:\\s+ETA [\\d:]+)?$")},
  {"rclone", "--use-json-log", SILENT, JSON ("done=stats.bytes total=stats.totalBytes", .unit = "bytes")},
  {"rclone", NULL, PATTERN (RCLONE), PATTERN (RCLONE)},
  {"restic",
   "--json",
   JSON ("fraction=percent_done done=bytes_done total=total_bytes text=current_files", .unit = "bytes"),
   {.kind = PROGRESS_NONE}},
  {"rsync", "--info=*progress2*",
   PATTERN ("^(?<done>[\\d.,]+[KMGTP]?)\\s+(?<percent>\\d+)%\\s+\\S+/s", .unit = "bytes", .grouped = TRUE), SILENT},
  {"rsync", NULL,
   PATTERN ("^[\\d.,]+[KMGTP]?\\s+\\d+%\\s+\\S+/s(?:.*to-chk=(?<left>\\d+)/(?<total>\\d+))?", .unit = "files"), SILENT},
  {"tar", "--checkpoint*", PATTERN ("\\b[WR]: (?<done>\\d+)", .unit = "bytes"),
   PATTERN ("\\b[WR]: (?<done>\\d+)", .unit = "bytes")},
  {"tar", "-x*", POSITION, SILENT},
  {"tar", "x*", POSITION, SILENT},
  {"unxz", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"unzstd", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"wget", NULL, SILENT, PATTERN (WGET, .unit = "bytes")},
  {"xz", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"zstd", "-d*", POSITION, SILENT, NULL, sum_of_files},
  {"zstd", "--progress", SILENT, PATTERN ("Read:\\s*(?<done>" SIZE ")\\s*/\\s*(?<total>" SIZE ")")},
  {"zstd", NULL, POSITION, SILENT, NULL, sum_of_files},
  {"*sum", NULL, POSITION, SILENT, NULL, sum_of_files},
};

static gboolean
has_argument (const char *const *argv, const char *pattern)
{
  for (guint i = 1; argv[i] != NULL; i++)
    if (g_pattern_match_simple (pattern, argv[i]))
      return TRUE;
  return FALSE;
}

/* Returns (nullable): what is known of the program with these arguments. */
const ProgressProgram *
progress_programs_find (const char *const *argv)
{
  g_autofree char *name = NULL;

  if (argv == NULL || argv[0] == NULL)
    return NULL;
  name = g_path_get_basename (argv[0]);
  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    if (g_pattern_match_simple (programs[i].name, name) &&
        (programs[i].argument == NULL || has_argument (argv, programs[i].argument)))
      return &programs[i];
  return NULL;
}
