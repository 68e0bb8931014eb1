/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far a program is, from what it prints. The bytes of both streams come in with progress_reader_feed(), and
 * progress_reader_take() tells the newest state:
 *
 * 1. ProgressPieces cuts the bytes.
 * 2. A piece is read in the way that the caller chose, or that the table of programs has. What it says is a
 * ProgressValues.
 * 3. From these come the fraction of the whole, the amount and the total. What is no progress is the text.
 *
 * A bar must not go back, and the library keeps it from that. So a fraction that was too large once would stay, and a
 * bar that may be wrong is worse than none: a fraction is only told of the whole, and not of a part as if it were the
 * whole, and not while the total still grows. Where a program says in which phase it is, and not how many there are, it
 * is as if one more followed: the first is half of all, the second a sixth, and none is near the end.
 *
 * Nobody can know of the first of three files that two more follow. When the second begins, the bar is taken back, and
 * there is none until the program ends. So it is where a share begins anew, where a phase comes that is not in the list
 * of the program's phases, and in the fifth phase of an unknown number, of which the bar would hardly move.
 *
 * What an unknown program says may be anything: "deflated 59%", "disk is 97% full", a file "100% cotton.txt". Progress
 * is the one share of a line that is drawn over, as a person would see it move, and it begins at the beginning and
 * rises. So "42 %", "3/10" or "1.0/10.0 MB" counts from its third value on, if the first was at most 25 %. Once it
 * falls, or a line with another share is drawn, it was one of several parts, and the bar is taken back.
 *
 * Trust: none. Of a flood, with more than MAX_READ pieces between two calls of progress_reader_take(), only the last
 * piece of a stream is read, and lines are not even cut. */

#include "config.h"

#include "progress-reader.h"

#include <gio/gio.h>
#include <math.h>
#include <string.h>

#include "progress-json.h"
#include "progress-number.h"
#include "progress-pieces.h"
#include "progress-programs.h"
#include "progress-values.h"

#define MAX_READ 4096

/* What is longer is no progress, unless it is JSON. */
#define MAX_SENTENCE 4096

/* What a program says goes back so far within a phase: make with several jobs, rsync while it looks for files. What
 * goes back farther is said of something else. */
#define JITTER 0.1

/* How many values have to be so far back: a single one may be a share of something else, such as a disk's. */
#define N_FALLS 2

/* As many phases are shown of which nobody knows how many there are. */
#define MAX_UNCOUNTED 4

/* "12% 3/25": the percentage is that of the ratio. */
#define SAME_SHARE 0.02

/* How often a share has risen that is progress. */
#define N_RISES 2

/* A share that begins beyond this has not begun at the beginning; a program may be silent for a moment before. */
#define HIGHEST_BEGIN 0.25

#define N_STREAMS 3

/* How many totals are kept that were said alone. */
#define MAX_SAID 64

/* Brackets that hold nothing else, the end of a piece, or its beginning. A date is none: 2026/11/26. */
#define STEPS_PATTERN                                                                                                  \
  "[\\[(] *(?<done>\\d{1,15}) */ *(?<total>\\d{1,15}) *[\\])]"                                                         \
  "|(?:^|: *)(?<done>\\d{1,15}) of (?<total>\\d{1,15})\\b"                                                             \
  "|(?<![/\\d])\\b(?<done>\\d{1,15}) of (?<total>\\d{1,15})$"                                                          \
  "|: +(?<done>\\d{1,15})/(?<total>\\d{1,15})$"

#define AMOUNT "\\d[\\d.,]{0,15}(?: ?[kKMGTP]?i?B)?"

/* 3/10, 1.0/10.0 MB; no date, and no path. */
#define SHARE_PATTERN "(?<![\\w/.,-])(?<done>" AMOUNT ") ?/ ?(?<total>" AMOUNT ")(?![\\w/]|[.,-]\\w)"

/* How one stream is read. */
typedef struct
{
  ProgressKind kind;
  GRegex *regex;        /* (nullable) */
  ProgressNames *names; /* (nullable) */
  ProgressValues block; /* keys that wait for the end of their block */
  const char *unit;     /* (nullable): static */
  gboolean grouped;
} Speech;

/* What take_piece() gets. */
typedef struct
{
  ProgressReader *reader;
  ProgressStream stream;
} Source;

/* The share that an unknown program draws. */
typedef struct
{
  char *name;  /* (nullable): of its line: the letters before it, and the total; NULL: none was seen */
  double part; /* the last */
  guint n_rises;
  gboolean is_over; /* it is no progress of the whole */
} Drawn;

struct _ProgressReader
{
  ProgressKind kind;
  const ProgressProgram *program; /* (nullable): the row of a program that is known */
  char **argv;                    /* (nullable): of that program */
  char *directory;                /* (nullable) */
  char **files;                   /* (nullable): that the program reads */
  Speech speeches[N_STREAMS];
  ProgressPieces *pieces[N_STREAMS];
  GString *late[N_STREAMS]; /* the last piece that was not read yet */
  gboolean late_is_drawn[N_STREAMS];
  guint n_read;           /* since the last progress_reader_take() */
  gboolean is_unfinished; /* the piece that is read may go on */
  gboolean is_drawn;      /* the piece that is read is drawn over */

  double total; /* 0: not known */
  gboolean total_is_given;
  double last_total; /* that a piece said */
  double most_done;  /* that a piece said */
  GArray *said;      /* the totals that were said alone */
  double n_steps;
  gboolean is_of_part; /* what is said is not of the whole */
  const char *whole;   /* (nullable): it is not yet, but from a piece on that has this */
  guint n_falls;       /* how many values were too far back */
  double task;         /* which of so many the next pieces are of; NAN: they say it themselves */
  double tasks;
  Drawn drawn;

  guint n_phases;   /* that were entered */
  char *phase_name; /* (nullable) */
  double phase_begin;
  double phase_part;
  double last_part; /* of the phase */

  ProgressReport report;
  gboolean changed;
  GString *words; /* not yet made valid; empty: what is in text */
  char text[PROGRESS_MAX_TEXT + 1];
};

/* ---- texts ---- */

/* Writes bytes as valid UTF-8, without control characters and without blanks beside each other, as far as there is
 * room. */
static void
clean (const char *bytes, gsize length, char *text, gsize size)
{
  g_autofree char *valid = progress_pieces_dup_text (bytes, length);
  gboolean blank = TRUE;
  gsize n = 0;

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);
      gsize width = (gsize) (g_utf8_next_char (at) - at);
      gboolean is_blank = g_unichar_isspace (character);

      if (g_unichar_iscntrl (character) && !is_blank)
        continue;
      if (is_blank && blank)
        continue;
      if (n + width >= size)
        break;
      if (is_blank)
        text[n++] = ' ';
      else
        {
          memcpy (text + n, at, width);
          n += width;
        }
      blank = is_blank;
    }
  while (n > 0 && text[n - 1] == ' ')
    n--;
  text[n] = '\0';
}

static void
say (ProgressReader *self, const char *bytes, gsize length)
{
  g_string_truncate (self->words, 0);
  g_string_append_len (self->words, bytes, (gssize) MIN (length, 4 * PROGRESS_MAX_TEXT));
  self->changed = TRUE;
}

/* Whether it is more than a bar or a rate. */
static gboolean
has_word (const char *bytes, gsize length)
{
  for (gsize i = 0; i + 1 < length; i++)
    if ((g_ascii_isalpha (bytes[i]) && g_ascii_isalpha (bytes[i + 1])) || (guint8) bytes[i] >= 0xc3)
      return TRUE;
  return FALSE;
}

/* What is left of a piece around what was read. */
static void
say_rest (ProgressReader *self, const char *piece, gsize length, gsize begin, gsize end)
{
  g_autoptr (GString) rest = g_string_new_len (piece, (gssize) begin);

  g_string_append_c (rest, ' ');
  g_string_append_len (rest, piece + end, (gssize) (length - end));
  if (has_word (rest->str, rest->len))
    say (self, rest->str, rest->len);
}

/* ---- what is told of the whole ---- */

/* What was said was of a part, and so is what is said from now on. */
static void
take_back (ProgressReader *self)
{
  self->is_of_part = TRUE;
  if (!isnan (self->report.fraction))
    self->report.fraction = PROGRESS_TAKEN_BACK;
}

static void
note_fall (ProgressReader *self, double fraction)
{
  self->n_falls += fraction < self->report.fraction - JITTER;
  if (self->n_falls >= N_FALLS)
    take_back (self);
}

static void
set_fraction (ProgressReader *self, double fraction)
{
  fraction = MIN (CLAMP (fraction, 0, 1), PROGRESS_HIGHEST);
  note_fall (self, fraction);
  if (!self->is_of_part && self->whole == NULL && !(fraction < self->report.fraction))
    self->report.fraction = fraction;
}

/* Goes to the phase of that name, from the list of the program's phases. It takes the place of those that were left
 * out. Returns FALSE where it is not in the rest of the list. */
static gboolean
enter_listed_phase (ProgressReader *self, const ProgressPhase *phases, const char *name)
{
  guint found = self->n_phases;
  double sum = 0;
  double end = 0;

  while (phases[found].name != NULL && !g_str_has_prefix (name, phases[found].name))
    found++;
  if (phases[found].name == NULL)
    return FALSE;
  for (guint i = 0; phases[i].name != NULL; i++)
    {
      sum += phases[i].weight;
      if (i == found)
        end = sum;
    }
  self->n_phases = found + 1;
  self->phase_begin += self->phase_part;
  self->phase_part = end / sum - self->phase_begin;
  return TRUE;
}

static gboolean
knows_phases (const ProgressReader *self)
{
  return self->program != NULL && self->program->phases != NULL && self->program->phases[0].name != NULL;
}

/* part: that is done of the phase, or NAN. A phase that begins anew at the beginning is another one of that name.
 * Returns FALSE where the phase is none of those that are known. */
static gboolean
enter_phase (ProgressReader *self, const char *name, double part)
{
  const ProgressPhase *phases = self->program != NULL ? self->program->phases : NULL;

  if (g_strcmp0 (self->phase_name, name) == 0 && !(part < self->last_part - JITTER))
    return TRUE;
  if (knows_phases (self))
    {
      if (!enter_listed_phase (self, phases, name))
        return FALSE;
    }
  else
    {
      self->n_phases++;
      self->phase_begin += self->phase_part;
      self->phase_part = (double) self->n_phases / (self->n_phases + 1) - self->phase_begin;
    }
  g_free (self->phase_name);
  self->phase_name = g_strdup (name);
  self->last_part = 0;
  return TRUE;
}

/* Of a program that has phases and does not name them, one ends where the next one begins at the beginning. */
static gboolean
enter_unnamed_phase (ProgressReader *self, double part)
{
  g_autofree char *name = g_strdup_printf ("%u", self->n_phases);

  return (self->n_phases > 0 && part >= self->last_part - JITTER) || enter_phase (self, name, NAN);
}

/* The part that the values say is done, of what they are about. */
static double
find_part (const ProgressValues *values, double done, double total)
{
  double part = values->numbers[PROGRESS_FRACTION];

  if (isnan (part))
    part = values->numbers[PROGRESS_PERCENT_DONE] / 100;
  if (isnan (part) && total > 0)
    part = done / total;
  return part;
}

/* What was said of tasks goes on until they are said again. */
static double
of_tasks (ProgressReader *self, const ProgressValues *values, double part)
{
  if (values->numbers[PROGRESS_TASK] >= 1 && values->numbers[PROGRESS_TASKS] >= 1)
    {
      self->task = values->numbers[PROGRESS_TASK];
      self->tasks = values->numbers[PROGRESS_TASKS];
    }
  if (isnan (self->tasks))
    return part;
  return (MIN (self->task, self->tasks) - 1 + (isnan (part) ? 0 : CLAMP (part, 0, 1))) / self->tasks;
}

/* The fraction of the whole that a part is: of a phase, or of one of several tasks. Returns FALSE where that is not
 * known. */
static gboolean
find_whole (ProgressReader *self, const ProgressValues *values, double *part)
{
  gboolean has_phases = self->program != NULL && self->program->phases != NULL;
  gboolean known;

  *part = of_tasks (self, values, *part);
  if (!isnan (self->tasks) || isnan (*part))
    return values->phase == NULL || enter_phase (self, values->phase, NAN);
  known =
    values->phase != NULL ? enter_phase (self, values->phase, *part) : !has_phases || enter_unnamed_phase (self, *part);
  if (!known || (!knows_phases (self) && self->n_phases > MAX_UNCOUNTED))
    take_back (self);
  if (!known)
    return FALSE;
  if (self->n_phases == 0)
    return TRUE;
  self->last_part = *part;
  *part = self->phase_begin + CLAMP (*part, 0, 1) * self->phase_part;
  return TRUE;
}

static void
set_amount (ProgressReader *self, double done, double total, const char *unit)
{
  self->report.amount = total > 0 ? MIN (done, total) : done;
  self->report.total = total;
  self->report.unit = unit;
}

/* Whether a piece says a total that the piece before did not say: it may grow yet. */
static gboolean
is_growing (ProgressReader *self, double total)
{
  double last = self->last_total;

  if (isnan (total) || self->total_is_given)
    return FALSE;
  self->last_total = total;
  return total != last;
}

/* A total that is said alone is of one input of several, perhaps. */
static void
take_total (ProgressReader *self, double total)
{
  if (self->total_is_given)
    return;
  if (self->said->len < MAX_SAID)
    g_array_append_val (self->said, total);
  if (self->program != NULL && self->program->find_total != NULL)
    total = self->program->find_total ((const char *const *) self->argv, self->directory,
                                       &g_array_index (self->said, double, 0), self->said->len);
  self->total = total > 0 ? total : 0;
}

/* Takes what a piece says. Returns FALSE where it says nothing. */
static gboolean
apply (ProgressReader *self, const Speech *speech, const ProgressValues *values)
{
  const double *numbers = values->numbers;
  double done = numbers[PROGRESS_DONE];
  double total = numbers[PROGRESS_TOTAL];
  double left = numbers[PROGRESS_LEFT];
  gboolean growing;
  double part;

  if (progress_values_are_empty (values))
    return FALSE;
  if (values->text != NULL)
    say (self, values->text, strlen (values->text));
  self->changed = TRUE;
  if (!isnan (numbers[PROGRESS_STEP]))
    done = ++self->n_steps;
  growing = is_growing (self, total);
  if (!(total > 0) || self->total_is_given)
    total = self->total;
  if (isnan (done) && !isnan (left) && total > 0)
    done = MAX (total - left, 0);
  part = find_part (values, done, total);
  if (isnan (done) && isnan (part) && !isnan (numbers[PROGRESS_TOTAL]))
    take_total (self, numbers[PROGRESS_TOTAL]);
  if (done > self->most_done)
    self->most_done = done;
  if (!find_whole (self, values, &part))
    return TRUE;
  /* A total that is new, of which less is done, is that of another part. */
  if (growing && done < self->most_done)
    note_fall (self, part);
  else if (!isnan (part) && !growing)
    set_fraction (self, part);
  if (!isnan (done) && self->n_phases == 0 && isnan (self->tasks))
    set_amount (self, done, total, values->unit != NULL ? values->unit : speech->unit);
  return TRUE;
}

/* ---- readers ---- */

/* Reads the number before the '%' at a place of a piece. Returns NAN where there is none, or none of a part. */
static double
read_percentage (const char *piece, gsize length, gsize sign, gsize *begin)
{
  gsize end = sign > 0 && piece[sign - 1] == ' ' ? sign - 1 : sign;
  char number[16];
  gsize at = end;

  while (at > 0 && (g_ascii_isdigit (piece[at - 1]) || piece[at - 1] == '.' || piece[at - 1] == ','))
    at--;
  /* "-5%" is a difference. */
  if (at == end || (at > 0 && piece[at - 1] == '-') || end - at >= sizeof number ||
      (sign + 1 < length && g_ascii_isalnum (piece[sign + 1])))
    return NAN;
  *begin = at;
  memcpy (number, piece + at, end - at);
  number[end - at] = '\0';
  if (strcspn (number, ".,") > 3)
    return NAN;
  return progress_number_read (number, FALSE);
}

/* "(51.61/100%)": the number before the slash, of 100. */
static double
read_of_hundred (const char *piece, gsize *begin, gsize sign)
{
  gsize slash = sign - 4;
  double value;

  if (sign < 5 || memcmp (piece + slash, "/100", 4) != 0)
    return NAN;
  value = read_percentage (piece, slash + 1, slash, begin);
  if (!isnan (value) && *begin > 0 && piece[*begin - 1] == '(')
    *begin -= 1;
  return value;
}

/* Finds percentages, and returns how many there are; one at most is looked for beyond the first. */
static guint
find_percentage (const char *piece, gsize length, double *found, gsize *begin, gsize *end)
{
  guint n = 0;

  for (gsize at = 0; at < length && n < 2; at++)
    {
      gsize number_begin;
      double value;

      if (piece[at] != '%')
        continue;
      value = read_of_hundred (piece, &number_begin, at);
      if (isnan (value))
        value = read_percentage (piece, length, at, &number_begin);
      if (isnan (value))
        continue;
      n++;
      *found = value;
      *begin = number_begin;
      *end = at + 1;
    }
  if (n == 1 && *begin < length && piece[*begin] == '(' && *end < length && piece[*end] == ')')
    *end += 1;
  return n;
}

/* The one percentage of a piece. Two of them are statistics. */
static gboolean
read_percent (ProgressReader *self, const Speech *speech, const char *piece, gsize length)
{
  ProgressValues values;
  gsize begin;
  gsize end;

  progress_values_init (&values);
  if (find_percentage (piece, length, &values.numbers[PROGRESS_PERCENT_DONE], &begin, &end) != 1 ||
      values.numbers[PROGRESS_PERCENT_DONE] >= 101)
    return FALSE;
  apply (self, speech, &values);
  say_rest (self, piece, length, begin, end);
  return TRUE;
}

/* A piece that is one number. Above 100 it is an amount, and so is each one where the total is known. */
static gboolean
read_number (ProgressReader *self, const Speech *speech, const char *piece, gsize length)
{
  ProgressValues values;
  g_autofree char *text = g_strndup (piece, length);
  double number = progress_number_read (text, FALSE);

  if (isnan (number))
    return FALSE;
  progress_values_init (&values);
  if (self->total > 0 || number > 100)
    values.numbers[PROGRESS_DONE] = number;
  else
    values.numbers[PROGRESS_PERCENT_DONE] = number;
  return apply (self, speech, &values);
}

/* Takes the groups of a match. Returns whether one of them is the end of the piece, of so many bytes. */
static gboolean
take_groups (const Speech *speech, const GMatchInfo *match, int length, ProgressValues *values)
{
  gboolean is_last = FALSE;

  for (guint role = 0; role < PROGRESS_N_ROLES; role++)
    {
      const char *name = progress_role_get_name (role);
      int begin = -1;
      int end = -1;

      if (g_match_info_fetch_named_pos (match, name, &begin, &end) && begin >= 0)
        {
          g_autofree char *value = g_match_info_fetch_named (match, name);

          progress_values_set (values, role, value, speech->grouped, 1);
          is_last |= end == length && role != PROGRESS_TEXT;
        }
    }
  return is_last;
}

/* Finds "3/10". Returns FALSE where there is none, or two of them. */
static gboolean
find_ratio (const Speech *speech, const char *text, ProgressValues *values, gsize *begin, gsize *end)
{
  g_autoptr (GMatchInfo) match = NULL;
  int first = 0;
  int last = 0;

  if (!g_regex_match (speech->regex, text, 0, &match))
    return FALSE;
  take_groups (speech, match, (int) strlen (text), values);
  g_match_info_fetch_pos (match, 0, &first, &last);
  *begin = (gsize) first;
  *end = (gsize) last;
  return !g_match_info_next (match, NULL);
}

/* Takes a name. Returns whether the share of the line with that name is progress of the whole by now. */
static gboolean
is_progress (ProgressReader *self, char *name, double part)
{
  Drawn *drawn = &self->drawn;
  g_autofree char *line = name;
  gboolean goes_on = drawn->name != NULL && strcmp (drawn->name, line) == 0 && part >= drawn->part;

  /* What is not whole yet has another name. */
  if (self->is_unfinished && !goes_on)
    return FALSE;
  if (drawn->name == NULL)
    {
      drawn->is_over = part > HIGHEST_BEGIN;
      drawn->name = g_steal_pointer (&line);
    }
  else
    {
      drawn->is_over |= !goes_on;
      drawn->n_rises += part > drawn->part;
    }
  drawn->part = part;
  if (drawn->is_over)
    take_back (self);
  return !drawn->is_over && drawn->n_rises >= N_RISES;
}

/* (transfer full): the letters before a share, and the total that it is of, tell its line from another. */
static char *
name_line (const char *text, gsize begin, double total)
{
  GString *name = g_string_new (NULL);

  for (const char *at = text; at < text + begin; at = g_utf8_next_char (at))
    if (g_unichar_isalpha (g_utf8_get_char (at)))
      g_string_append_unichar (name, g_utf8_get_char (at));
  g_string_append_printf (name, " %g", total);
  return g_string_free (name, FALSE);
}

static inline gboolean
is_of_number (char byte)
{
  return g_ascii_isdigit (byte) || byte == '.' || byte == ',';
}

/* Whether a number stands before a '%', or behind a '/', with a blank between them or not. */
static gboolean
may_have_share (const char *piece, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (piece[i] == '%' ? (i > 0 && is_of_number (piece[i - 1])) || (i > 1 && is_of_number (piece[i - 2]))
                        : piece[i] == '/' && ((i + 1 < length && is_of_number (piece[i + 1])) ||
                                              (i + 2 < length && is_of_number (piece[i + 2]))))
      return TRUE;
  return FALSE;
}

/* The one share of a piece that is drawn over: a percentage, or else a ratio. */
static gboolean
read_drawn (ProgressReader *self, const Speech *speech, const char *piece, gsize length)
{
  g_autofree char *text = progress_pieces_dup_text (piece, length);
  ProgressValues values;
  ProgressValues ratio;
  double percent = NAN;
  gsize begin = 0;
  gsize end = 0;
  gsize ratio_begin = 0;
  gsize ratio_end = 0;
  guint n_percentages = find_percentage (text, strlen (text), &percent, &begin, &end);
  double part = percent / 100;
  gboolean has_ratio;
  double total;

  progress_values_init (&values);
  progress_values_init (&ratio);
  has_ratio = find_ratio (speech, text, &ratio, &ratio_begin, &ratio_end);
  if (n_percentages == 1)
    values.numbers[PROGRESS_PERCENT_DONE] = percent;
  else if (n_percentages == 0 && has_ratio && !(self->is_unfinished && ratio_end == strlen (text)))
    {
      values = ratio;
      begin = ratio_begin;
      end = ratio_end;
      part = ratio.numbers[PROGRESS_DONE] / ratio.numbers[PROGRESS_TOTAL];
    }
  if (!(part >= 0 && part < 1.01))
    return FALSE;
  total = ratio.numbers[PROGRESS_TOTAL];
  if (!has_ratio || !(fabs (ratio.numbers[PROGRESS_DONE] / total - part) < SAME_SHARE))
    {
      total = 0;
      ratio_begin = begin;
    }
  if (is_progress (self, name_line (text, MIN (begin, ratio_begin), total), part))
    apply (self, speech, &values);
  else if (self->drawn.is_over || self->is_unfinished)
    return FALSE;
  say_rest (self, text, strlen (text), begin, end);
  return TRUE;
}

static gboolean
read_pattern (ProgressReader *self, Speech *speech, const char *piece, gsize length)
{
  g_autofree char *text = progress_pieces_dup_text (piece, length);
  g_autoptr (GMatchInfo) match = NULL;
  ProgressValues values;
  gboolean read = FALSE;
  int begin = 0;
  int end = 0;

  if (!g_regex_match (speech->regex, text, 0, &match))
    return FALSE;
  if (self->whole != NULL && strstr (text, self->whole) != NULL)
    self->whole = NULL;
  progress_values_init (&values);
  if (take_groups (speech, match, (int) strlen (text), &values) && self->is_unfinished)
    {
      /* More digits may come. */
    }
  else if (speech->kind != PROGRESS_STEPS)
    {
      /* A match of no group is a piece that is known, and says nothing. */
      read = TRUE;
      apply (self, speech, &values);
    }
  else if (values.numbers[PROGRESS_DONE] <= values.numbers[PROGRESS_TOTAL] && values.numbers[PROGRESS_TOTAL] > 0)
    {
      read = apply (self, speech, &values);
      g_match_info_fetch_pos (match, 0, &begin, &end);
      say_rest (self, text, strlen (text), (gsize) begin, (gsize) end);
    }
  progress_values_clear (&values);
  return read;
}

/* name=value. Any such line is no text, also when nobody asked for the name. */
static gboolean
read_key (ProgressReader *self, Speech *speech, const char *piece, gsize length)
{
  g_autofree char *name = progress_pieces_dup_text (piece, length);
  char *equals = strchr (name, '=');
  char *value;
  gsize name_length;

  if (equals == NULL)
    return FALSE;
  *equals = '\0';
  value = g_strstrip (equals + 1);
  name_length = strlen (g_strchomp (name));
  if (name_length == 0 ||
      strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != name_length)
    return FALSE;
  if (progress_names_take (speech->names, name, value, &speech->block) &&
      (speech->block.ended || !progress_names_have (speech->names, PROGRESS_END)))
    {
      apply (self, speech, &speech->block);
      progress_values_clear (&speech->block);
    }
  return TRUE;
}

typedef struct
{
  const ProgressNames *names;
  ProgressValues values;
} Object;

static void
take_json_value (const char *path, const char *value, gpointer data)
{
  Object *object = data;

  progress_names_take (object->names, path, value, &object->values);
}

/* An object is no text, also when it has none of the names. */
static gboolean
read_json (ProgressReader *self, Speech *speech, const char *piece, gsize length)
{
  Object object = {.names = speech->names};
  gboolean read;

  progress_values_init (&object.values);
  read = progress_json_read (piece, length, take_json_value, &object);
  if (read)
    apply (self, speech, &object.values);
  progress_values_clear (&object.values);
  return read;
}

/* A look that is cheaper than reading. */
static gboolean
may_say_progress (const Speech *speech, const char *piece, gsize length)
{
  if (length > MAX_SENTENCE && speech->kind != PROGRESS_JSON)
    return FALSE;
  switch (speech->kind)
    {
    case PROGRESS_AUTOMATIC:
      return memchr (piece, '%', length) != NULL || memchr (piece, '/', length) != NULL;
    case PROGRESS_PERCENT:
      return memchr (piece, '%', length) != NULL;
    case PROGRESS_STEPS:
      return memchr (piece, '/', length) != NULL || memmem (piece, length, " of ", 4) != NULL;
    case PROGRESS_NUMBER:
      return g_ascii_isdigit (piece[0]) && length < 64;
    case PROGRESS_KEYS:
      return memchr (piece, '=', length) != NULL;
    case PROGRESS_JSON:
      return piece[0] == '{';
    case PROGRESS_PATTERN:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
read_piece (ProgressReader *self, Speech *speech, const char *piece, gsize length)
{
  gboolean ends_in_value = speech->kind == PROGRESS_KEYS || speech->kind == PROGRESS_NUMBER;

  /* A value that goes on yet would be another one. */
  if (!may_say_progress (speech, piece, length) || (ends_in_value && self->is_unfinished))
    return FALSE;
  switch (speech->kind)
    {
    case PROGRESS_AUTOMATIC:
      /* The first of a line that is drawn over is not told yet, and no text. */
      if (self->is_drawn)
        return may_have_share (piece, length) && read_drawn (self, speech, piece, length);
      return !has_word (piece, length);
    case PROGRESS_PERCENT:
      return read_percent (self, speech, piece, length);
    case PROGRESS_NUMBER:
      return read_number (self, speech, piece, length);
    case PROGRESS_KEYS:
      return read_key (self, speech, piece, length);
    case PROGRESS_JSON:
      return read_json (self, speech, piece, length);
    default:
      return read_pattern (self, speech, piece, length);
    }
}

/* Of what may go on yet, only what waits is a text: "Overwrite? [y/N]", "Reading package lists...". */
static gboolean
is_text (const ProgressReader *self, const char *piece, gsize length)
{
  if (!self->is_unfinished)
    return TRUE;
  return strchr ("?:])>.", piece[length - 1]) != NULL && piece[0] != '{' && memchr (piece, '=', length) == NULL &&
         has_word (piece, length);
}

/* At a terminal, a piece is of either stream. Returns whether it said something. */
static gboolean
read_stream (ProgressReader *self, ProgressStream stream, const char *piece, gsize length)
{
  gboolean read;

  if (stream == PROGRESS_TERMINAL && self->program != NULL)
    read = read_piece (self, &self->speeches[PROGRESS_ERROR], piece, length) ||
           read_piece (self, &self->speeches[PROGRESS_OUTPUT], piece, length);
  else
    read = read_piece (self, &self->speeches[stream], piece, length);
  if (!read && !is_text (self, piece, length))
    return FALSE;
  if (!read)
    say (self, piece, length);
  return TRUE;
}

static gboolean
take_piece (const char *piece, gsize length, gpointer data)
{
  const Source *source = data;
  ProgressReader *self = source->reader;
  GString *late = self->late[source->stream];

  g_string_truncate (late, 0);
  self->is_drawn = progress_pieces_is_drawn_over (self->pieces[source->stream]);
  if (self->n_read < MAX_READ)
    {
      self->n_read++;
      return read_stream (self, source->stream, piece, length);
    }
  g_string_append_len (late, piece, (gssize) length);
  self->late_is_drawn[source->stream] = self->is_drawn;
  return TRUE;
}

/* ---- from outside ---- */

/* Where the bytes begin that need be cut: of a flood, with the end of the last line but one. */
static gsize
find_begin (const ProgressReader *self, const char *bytes, gsize length)
{
  const char *end = self->n_read >= MAX_READ ? memrchr (bytes, '\n', length) : NULL;

  if (end != NULL)
    end = memrchr (bytes, '\n', (gsize) (end - bytes));
  return end != NULL ? (gsize) (end - bytes) : 0;
}

void
progress_reader_feed (ProgressReader *self, ProgressStream stream, const char *bytes, gsize length)
{
  Source source = {.reader = self, .stream = stream};
  gsize begin = find_begin (self, bytes, length);

  progress_pieces_feed (self->pieces[stream], bytes + begin, length - begin, take_piece, &source);
}

static void
flush (ProgressReader *self)
{
  for (guint stream = 0; stream < N_STREAMS; stream++)
    {
      Source source = {.reader = self, .stream = stream};

      progress_pieces_flush (self->pieces[stream], take_piece, &source);
    }
}

/* Reads what may go on yet, when nothing came for some 50 ms. */
void
progress_reader_flush (ProgressReader *self)
{
  self->is_unfinished = TRUE;
  flush (self);
  self->is_unfinished = FALSE;
}

/* Reads what is left, when the streams have ended. */
void
progress_reader_end (ProgressReader *self)
{
  flush (self);
}

/* Whether it is to be told of a position: for PROGRESS_POSITION, and where a program that has such files says how much
 * is done, and nothing of the total. */
gboolean
progress_reader_needs_position (const ProgressReader *self)
{
  return self->kind == PROGRESS_POSITION || (self->files != NULL && !isnan (self->report.amount) && !(self->total > 0));
}

/* How far the program is, of how much, in bytes. */
void
progress_reader_set_position (ProgressReader *self, double position, double size)
{
  ProgressValues values;

  progress_values_init (&values);
  if (self->kind == PROGRESS_POSITION)
    {
      values.unit = "bytes";
      values.numbers[PROGRESS_DONE] = position;
      if (!(self->total > 0))
        self->total = size;
    }
  /* What it counts itself stays the amount. At the end of the file it looks for an index before it begins. */
  else if (!isnan (self->report.fraction) || position / size <= HIGHEST_BEGIN)
    values.numbers[PROGRESS_FRACTION] = position / size;
  apply (self, &self->speeches[PROGRESS_OUTPUT], &values);
}

/* Returns whether there is news. The texts are valid until the reader's next use. */
gboolean
progress_reader_take (ProgressReader *self, ProgressReport *report)
{
  self->n_read = 0;
  for (guint stream = 0; stream < N_STREAMS; stream++)
    if (self->late[stream]->len > 0)
      {
        self->is_drawn = self->late_is_drawn[stream];
        read_stream (self, stream, self->late[stream]->str, self->late[stream]->len);
        g_string_truncate (self->late[stream], 0);
      }
  if (self->words->len > 0)
    {
      clean (self->words->str, self->words->len, self->text, sizeof self->text);
      g_string_truncate (self->words, 0);
    }
  self->report.text = self->text[0] != '\0' ? self->text : NULL;
  *report = self->report;
  return self->changed ? (self->changed = FALSE, TRUE) : FALSE;
}

ProgressKind
progress_reader_get_kind (const ProgressReader *self)
{
  return self->kind;
}

/* Returns (nullable): the files that the program reads, in their order; NULL, or none: that is not known. */
const char *const *
progress_reader_get_files (const ProgressReader *self)
{
  return (const char *const *) self->files;
}

/* The total that is known before the program says it; 0 where it is not. */
double
progress_reader_get_total (const ProgressReader *self)
{
  return self->total;
}

/* ---- making ---- */

static gboolean
has_group (const GRegex *regex)
{
  for (guint role = 0; role < PROGRESS_N_ROLES; role++)
    if (g_regex_get_string_number (regex, progress_role_get_name (role)) != -1)
      return TRUE;
  return FALSE;
}

static gboolean
compile (Speech *self, const char *pattern, GError **error)
{
  if (pattern == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "Progress that is read by a pattern, keys or JSON needs that pattern, or their names");
      return FALSE;
    }
  if (self->kind == PROGRESS_KEYS || self->kind == PROGRESS_JSON)
    {
      self->names = progress_names_new (pattern, error);
      return self->names != NULL;
    }
  self->regex = g_regex_new (pattern, G_REGEX_DUPNAMES | G_REGEX_OPTIMIZE, 0, error);
  if (self->regex == NULL)
    return FALSE;
  if (!has_group (self->regex))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "'%s' has no group that is known; write (?<percent>\\d+), or (?<done>\\d+) and (?<total>\\d+)",
                   pattern);
      return FALSE;
    }
  return TRUE;
}

static gboolean
prepare (Speech *self, const ProgressSpeech *speech, GError **error)
{
  self->kind = speech->kind;
  self->unit = speech->unit;
  self->grouped = speech->grouped;
  progress_values_init (&self->block);
  switch (speech->kind)
    {
    case PROGRESS_AUTOMATIC:
      return compile (self, SHARE_PATTERN, error);
    case PROGRESS_STEPS:
      return compile (self, STEPS_PATTERN, error);
    case PROGRESS_KEYS:
    case PROGRESS_JSON:
    case PROGRESS_PATTERN:
      return compile (self, speech->pattern, error);
    default:
      return TRUE;
    }
}

/* A program that is in the table, and says how it speaks on either stream. */
static gboolean
prepare_program (ProgressReader *self, GError **error)
{
  const ProgressProgram *program = self->program;
  const char *const *argv = (const char *const *) self->argv;
  double total = program->find_total != NULL ? program->find_total (argv, self->directory, NULL, 0) : 0;

  self->kind = program->output.kind == PROGRESS_POSITION ? PROGRESS_POSITION : PROGRESS_PATTERN;
  self->files = program->find_files != NULL ? program->find_files (argv, self->directory) : NULL;
  /* The position in one of many files says nothing of the whole. */
  if (self->kind == PROGRESS_POSITION && program->find_files != NULL && self->files == NULL)
    self->kind = PROGRESS_NONE;
  self->whole = isnan (total) ? program->whole : NULL;
  self->is_of_part = isnan (total) && self->whole == NULL;
  if (!self->total_is_given && total > 0)
    self->total = total;
  return prepare (&self->speeches[PROGRESS_OUTPUT], &program->output, error) &&
         prepare (&self->speeches[PROGRESS_ERROR], &program->error, error);
}

static gboolean
prepare_all (ProgressReader *self, const ProgressSpeech *speech, GError **error)
{
  self->kind = speech->kind;
  for (guint stream = 0; stream < N_STREAMS; stream++)
    if (!prepare (&self->speeches[stream], speech, error))
      return FALSE;
  return TRUE;
}

/* pattern: (nullable), for those that need one.
 * total: what the caller knows, in what the program counts, or 0.
 * argv, directory: (nullable): what runs, and where; for PROGRESS_AUTOMATIC.
 * program: (nullable): as which program it is read, where argv does not begin with it. */
ProgressReader *
progress_reader_new (ProgressKind kind, const char *pattern, double total, const char *const *argv, const char *program,
                     const char *directory, GError **error)
{
  g_autoptr (ProgressReader) self = g_new0 (ProgressReader, 1);
  ProgressSpeech speech = {.kind = kind, .pattern = pattern};

  self->report = (ProgressReport){.fraction = NAN, .amount = NAN};
  self->tasks = NAN;
  self->said = g_array_new (FALSE, FALSE, sizeof (double));
  self->words = g_string_new (NULL);
  self->directory = g_strdup (directory);
  for (guint stream = 0; stream < N_STREAMS; stream++)
    {
      self->pieces[stream] = progress_pieces_new ();
      self->late[stream] = g_string_new (NULL);
    }
  self->total_is_given = total > 0;
  self->total = self->total_is_given ? total : 0;
  if (kind == PROGRESS_AUTOMATIC && argv != NULL)
    self->program = progress_programs_find (argv, program, &self->argv);
  if (self->program != NULL ? !prepare_program (self, error) : !prepare_all (self, &speech, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
progress_reader_free (ProgressReader *self)
{
  for (guint stream = 0; stream < N_STREAMS; stream++)
    {
      Speech *speech = &self->speeches[stream];

      g_clear_pointer (&speech->regex, g_regex_unref);
      g_clear_pointer (&speech->names, progress_names_free);
      progress_values_clear (&speech->block);
      progress_pieces_free (self->pieces[stream]);
      g_string_free (self->late[stream], TRUE);
    }
  g_string_free (self->words, TRUE);
  g_array_unref (self->said);
  g_strfreev (self->argv);
  g_strfreev (self->files);
  g_free (self->directory);
  g_free (self->drawn.name);
  g_free (self->phase_name);
  g_free (self);
}
