/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How long what ffmpeg writes will be, by its arguments and its log. The options before an "-i" are that input's, and
 * those after the last one the output's, so "-ss 10" and "-t 5" are a part of the one or of the other. The durations of
 * the inputs are in the log.
 *
 * A bar with a wrong total is worse than none. So the total is not known where a filter or an option changes how long
 * something is, and where nobody says which of several inputs, of different durations, are used. */

#include "config.h"

#include "progress-ffmpeg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "progress-number.h"

#define MAX_INPUTS 32

/* Durations that differ by so many seconds are the same: picture and sound of one film. */
#define SAME 1

/* A part of an input, or of the output, in seconds; NAN: not said. */
typedef struct
{
  double begin;
  double end;
  double length;
} Cut;

typedef struct
{
  Cut inputs[MAX_INPUTS];
  guint n_inputs;
  Cut output; /* of the options since the last name, and in the end of the outputs */
  guint n_outputs;
  Cut first_output;
  guint32 used;           /* a bit for each input that a -map names; 0: none does */
  gboolean is_shortest;   /* the output ends with the first of the inputs */
  gboolean is_mixed;      /* by a filter of several inputs */
  gboolean is_joined;     /* one input after the other */
  gboolean is_unknown;    /* something changes how long it is */
  gboolean is_several;    /* outputs, each as long as its options say */
  const char *list;       /* (nullable): the input is a list for the concat demuxer */
  const char *last_input; /* (nullable) */
} Film;

static const Cut whole = {NAN, NAN, NAN};

/* Options after which a duration is another one. */
static const char *const changing_options[] = {
  "-sseof", "-stream_loop",           "-itsoffset",      "-itscale", "-copyts", "-frames*", "-vframes", "-aframes",
  "-fs",    "-filter_complex_script", "-filter_script*", NULL,
};

/* Options without a value. */
static const char *const flags[] = {
  "-y",
  "-n",
  "-nostdin",
  "-hide_banner",
  "-shortest",
  "-vn",
  "-an",
  "-sn",
  "-dn",
  "-stats",
  "-nostats",
  "-re",
  "-xerror",
  "-report",
  "-bitexact",
  "-copyts",
  "-start_at_zero",
  "-accurate_seek",
  "-noaccurate_seek",
  "-autorotate",
  "-noautorotate",
  "-benchmark",
  "-copyinkf",
  "-ignore_unknown",
  NULL,
};

/* Filters that do so. */
static const char *const changing_filters[] = {
  "setpts",     "tempo",   "trim",  "loop",      "select",  "apad",          "tpad",
  "rubberband", "setrate", "xfade", "crossfade", "zoompan", "silenceremove", NULL,
};

static gboolean
is_like (const char *option, const char *const *patterns)
{
  for (guint i = 0; patterns[i] != NULL; i++)
    if (g_pattern_match_simple (patterns[i], option))
      return TRUE;
  return FALSE;
}

static void
take_filter (Film *film, const char *filter, gboolean is_complex)
{
  const char *joined = is_complex ? strstr (filter, "concat=n=") : NULL;

  for (guint i = 0; changing_filters[i] != NULL; i++)
    film->is_unknown |= strstr (filter, changing_filters[i]) != NULL;
  film->is_mixed |= is_complex;
  if (joined != NULL && strtoul (joined + strlen ("concat=n="), NULL, 10) == film->n_inputs)
    film->is_joined = TRUE;
  else if (is_complex && strstr (filter, "concat") != NULL)
    film->is_unknown = TRUE;
}

/* "-map 1:v" uses the second input. One that begins otherwise is of a filter. */
static void
take_map (Film *film, const char *map)
{
  if (g_ascii_isdigit (map[0]))
    film->used |= 1u << MIN (strtoul (map, NULL, 10), MAX_INPUTS - 1);
}

/* "90", "0:01:30", "90s", "90000ms", "90000000us". */
static double
read_duration (Film *film, const char *text)
{
  static const struct
  {
    const char *name;
    double seconds;
  } units[] = {{"ms", 1e-3}, {"us", 1e-6}, {"s", 1}};
  g_autofree char *number = g_strdup (text);
  double unit = 1;
  double duration;

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (g_str_has_suffix (number, units[i].name))
      {
        number[strlen (number) - strlen (units[i].name)] = '\0';
        unit = units[i].seconds;
        break;
      }
  duration = progress_number_read (number, FALSE) * unit;
  film->is_unknown |= isnan (duration);
  return duration;
}

/* Takes an option of what comes next. Returns whether it has a value, so that the value is no option. */
static gboolean
take_option (Film *film, const char *option, const char *value)
{
  Cut *cut = &film->output;

  if (strcmp (option, "-shortest") == 0)
    {
      film->is_shortest = TRUE;
      return FALSE;
    }
  film->is_unknown |= is_like (option, changing_options);
  if (value == NULL)
    return FALSE;
  if (strcmp (option, "-ss") == 0)
    cut->begin = read_duration (film, value);
  else if (strcmp (option, "-to") == 0)
    cut->end = read_duration (film, value);
  else if (strcmp (option, "-t") == 0)
    cut->length = read_duration (film, value);
  else if (strcmp (option, "-map") == 0)
    take_map (film, value);
  else if (strcmp (option, "-filter_complex") == 0 || strcmp (option, "-lavfi") == 0)
    take_filter (film, value, TRUE);
  else if (g_str_has_prefix (option, "-filter") || strcmp (option, "-vf") == 0 || strcmp (option, "-af") == 0)
    take_filter (film, value, FALSE);
  else
    return FALSE;
  return TRUE;
}

static void
take_input (Film *film, const char *name, gboolean is_list)
{
  film->inputs[film->n_inputs++] = film->output;
  film->output = whole;
  film->last_input = name;
  film->list = is_list ? name : NULL;
}

static gboolean
is_whole (const Cut *cut)
{
  return isnan (cut->begin) && isnan (cut->end) && isnan (cut->length);
}

static gboolean
is_same (double one, double other)
{
  return isnan (one) ? isnan (other) : fabs (one - other) < 1e-6;
}

static void
take_output (Film *film)
{
  const Cut *first = &film->first_output;
  const Cut *cut = &film->output;

  if (film->n_outputs++ == 0)
    film->first_output = *cut;
  else if (!is_same (first->begin, cut->begin) || !is_same (first->end, cut->end) ||
           !is_same (first->length, cut->length))
    film->is_several = TRUE;
  film->output = whole;
}

/* Whether an option, of which nothing else is known, has a value. */
static gboolean
has_value (const char *option, const char *next)
{
  return next != NULL && (next[0] != '-' || next[1] == '\0') && !g_strv_contains (flags, option);
}

/* What was read for the output is an input's once its "-i" comes, and an output's at its name. */
static void
read_arguments (const char *const *argv, Film *film)
{
  gboolean is_list = FALSE;

  *film = (Film){.output = whole};
  for (guint i = 1; argv[i] != NULL && film->n_inputs < MAX_INPUTS; i++)
    {
      if (argv[i][0] != '-' || argv[i][1] == '\0')
        take_output (film);
      else if (strcmp (argv[i], "-i") == 0 && argv[i + 1] != NULL)
        {
          take_input (film, argv[++i], is_list);
          is_list = FALSE;
        }
      else if (strcmp (argv[i], "-f") == 0 && argv[i + 1] != NULL)
        is_list = strcmp (argv[++i], "concat") == 0;
      else if (take_option (film, argv[i], argv[i + 1]) || has_value (argv[i], argv[i + 1]))
        i++;
    }
  if (film->n_outputs > 0 && !is_whole (&film->output))
    take_output (film);
  if (film->n_outputs > 0)
    film->output = film->first_output;
}

/* What a cut leaves of a duration, which is INFINITY where it is not known. */
static double
cut_duration (const Cut *cut, double duration)
{
  double begin = isnan (cut->begin) ? 0 : cut->begin;
  double left = MAX (duration - begin, 0);

  if (!isnan (cut->end))
    left = MIN (left, MAX (cut->end - begin, 0));
  return isnan (cut->length) ? left : MIN (left, cut->length);
}

/* How long all inputs together are; INFINITY: that is not known. */
static double
join_inputs (const Film *film, const double *said, guint n_said)
{
  double shortest = INFINITY;
  double longest = 0;
  double sum = 0;

  for (guint i = 0; i < film->n_inputs; i++)
    {
      double left = cut_duration (&film->inputs[i], i < n_said && said[i] > 0 ? said[i] : INFINITY);

      if (film->used != 0 && (film->used & 1u << i) == 0 && !film->is_mixed)
        continue;
      shortest = MIN (shortest, left);
      longest = MAX (longest, left);
      sum += left;
    }
  if (film->is_joined)
    return sum;
  if (film->is_shortest)
    return shortest;
  return film->used != 0 || film->is_mixed || longest - shortest <= SAME ? longest : INFINITY;
}

double
progress_ffmpeg_total (const char *const *argv, const double *said, guint n_said)
{
  Film film;
  double total;

  read_arguments (argv, &film);
  total = cut_duration (&film.output, film.is_unknown ? INFINITY : join_inputs (&film, said, n_said));
  return isfinite (total) && !film.is_several ? total : 0;
}

static char *
place_of (const char *name, const char *directory)
{
  return g_canonicalize_filename (g_str_has_prefix (name, "file:") ? name + strlen ("file:") : name, directory);
}

/* The files of "file 'name'" lines, which are from the folder of the list on. */
static char **
read_list (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GStrvBuilder) files = g_strv_builder_new ();

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *name = NULL;
      g_autofree char *place = NULL;

      if (!g_str_has_prefix (g_strstrip (lines[i]), "file "))
        continue;
      name = g_shell_unquote (lines[i] + strlen ("file "), NULL);
      if (name == NULL)
        return NULL;
      place = place_of (name, folder);
      g_strv_builder_add (files, place);
    }
  return g_strv_builder_end (files);
}

char **
progress_ffmpeg_files (const char *const *argv, const char *directory)
{
  const char *files[] = {NULL, NULL};
  g_autofree char *place = NULL;
  Film film;

  read_arguments (argv, &film);
  if (film.n_inputs != 1 || film.is_unknown || film.is_several || !is_whole (&film.inputs[0]) ||
      !is_whole (&film.output))
    return NULL;
  place = place_of (film.last_input, directory);
  if (film.list != NULL)
    return read_list (place);
  files[0] = place;
  return g_file_test (place, G_FILE_TEST_IS_REGULAR) ? g_strdupv ((char **) files) : NULL;
}
