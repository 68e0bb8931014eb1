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
 * A bar must not go back, and the library keeps it from that. So a fraction that was too large once would stay: a
 * fraction is only told of the whole, and not of a phase as if it were the whole, and not while the total still grows.
 * Where a program says in which phase it is, and not how many there are, each phase is half of what is left.
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

#define N_STREAMS 3

/* Brackets that hold nothing else, the end of a piece, or its beginning. A date is none: 2026/11/26. */
#define STEPS_PATTERN                                                                                                  \
  "[\\[(] *(?<done>\\d{1,15}) */ *(?<total>\\d{1,15}) *[\\])]"                                                         \
  "|(?:^|: *)(?<done>\\d{1,15}) of (?<total>\\d{1,15})\\b"                                                             \
  "|(?<![/\\d])\\b(?<done>\\d{1,15}) of (?<total>\\d{1,15})$"                                                          \
  "|: +(?<done>\\d{1,15})/(?<total>\\d{1,15})$"

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

struct _ProgressReader
{
  ProgressKind kind; /* never PROGRESS_AUTOMATIC */
  Speech speeches[N_STREAMS];
  ProgressPieces *pieces[N_STREAMS];
  GString *late[N_STREAMS]; /* the last piece that was not read yet */
  guint n_read;             /* since the last progress_reader_take() */
  gboolean is_unfinished;   /* the piece that is read may go on */

  double total; /* 0: not known */
  gboolean total_is_given;
  double last_total; /* that a piece said */
  double n_steps;

  const ProgressPhase *phases; /* (nullable) */
  guint phase;
  char *phase_name; /* (nullable) */
  double phase_begin;
  double phase_part;

  ProgressReport report;
  gboolean changed;
  GString *said; /* not yet made valid; empty: what is in text */
  char text[PROGRESS_MAX_TEXT + 1];
};

/* ---- texts ---- */

/* Writes bytes as valid UTF-8, without control characters and without blanks beside each other, as far as there is
 * room. */
static void
clean (const char *bytes, gsize length, char *text, gsize size)
{
  g_autofree char *valid = g_utf8_make_valid (bytes, (gssize) length);
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
  g_string_truncate (self->said, 0);
  g_string_append_len (self->said, bytes, (gssize) MIN (length, 4 * PROGRESS_MAX_TEXT));
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

static void
set_fraction (ProgressReader *self, double fraction)
{
  double last = self->report.fraction;

  fraction = MIN (CLAMP (fraction, 0, 1), PROGRESS_HIGHEST);
  if (fraction < last && fraction >= last - JITTER)
    return;
  self->report.fraction = fraction;
}

/* Goes to the phase of that name, from the list of the program's phases. Returns FALSE where it is not in the rest of
 * it. */
static gboolean
enter_listed_phase (ProgressReader *self, const char *name)
{
  double sum = 0;
  double before = 0;
  guint first = self->phase_name != NULL ? self->phase + 1 : 0;
  guint found = first;

  while (self->phases[found].name != NULL && !g_str_has_prefix (name, self->phases[found].name))
    found++;
  if (self->phases[found].name == NULL)
    return FALSE;
  for (guint i = 0; self->phases[i].name != NULL; i++)
    {
      sum += self->phases[i].weight;
      if (i < found)
        before += self->phases[i].weight;
    }
  self->phase = found;
  self->phase_begin = before / sum;
  self->phase_part = self->phases[found].weight / sum;
  return TRUE;
}

/* Returns FALSE where the phase is none of those that are known. */
static gboolean
enter_phase (ProgressReader *self, const char *name)
{
  if (self->phase_name != NULL && strcmp (self->phase_name, name) == 0)
    return TRUE;
  if (self->phases != NULL)
    {
      if (!enter_listed_phase (self, name))
        return FALSE;
    }
  else
    {
      self->phase_begin += self->phase_part;
      self->phase_part = (1 - self->phase_begin) / 2;
    }
  g_free (self->phase_name);
  self->phase_name = g_strdup (name);
  return TRUE;
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

static double
of_tasks (const ProgressValues *values, double part)
{
  double task = values->numbers[PROGRESS_TASK];
  double tasks = values->numbers[PROGRESS_TASKS];

  if (!(tasks >= 1) || !(task >= 1))
    return part;
  return (MIN (task, tasks) - 1 + (isnan (part) ? 0 : CLAMP (part, 0, 1))) / tasks;
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
  if (isnan (done) && isnan (part))
    self->total = total;
  if (values->phase != NULL && !enter_phase (self, values->phase))
    return TRUE;
  if (values->phase != NULL && !isnan (part))
    part = self->phase_begin + CLAMP (part, 0, 1) * self->phase_part;
  else
    part = of_tasks (values, part);
  if (!isnan (part) && !growing)
    set_fraction (self, part);
  if (!isnan (done) && values->phase == NULL && isnan (numbers[PROGRESS_TASKS]))
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
  if (at == end || end - at >= sizeof number || (sign + 1 < length && g_ascii_isalnum (piece[sign + 1])))
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

/* The one percentage of a piece. Two of them are statistics. */
static gboolean
read_percent (ProgressReader *self, const Speech *speech, const char *piece, gsize length)
{
  ProgressValues values;
  double found = NAN;
  gsize begin = 0;
  gsize end = 0;

  for (gsize at = 0; at < length; at++)
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
      if (!isnan (found))
        return FALSE;
      found = value;
      begin = number_begin;
      end = at + 1;
    }
  if (isnan (found) || found >= 101)
    return FALSE;
  if (begin < length && piece[begin] == '(' && end < length && piece[end] == ')')
    end++;
  progress_values_init (&values);
  values.numbers[PROGRESS_PERCENT_DONE] = found;
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

static gboolean
read_pattern (ProgressReader *self, Speech *speech, const char *piece, gsize length)
{
  g_autofree char *text = g_utf8_make_valid (piece, (gssize) length);
  g_autoptr (GMatchInfo) match = NULL;
  ProgressValues values;
  gboolean read = FALSE;
  int begin = 0;
  int end = 0;

  if (!g_regex_match (speech->regex, text, 0, &match))
    return FALSE;
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
  g_autofree char *name = g_utf8_make_valid (piece, (gssize) length);
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

  if (stream == PROGRESS_TERMINAL && self->speeches[PROGRESS_TERMINAL].kind == PROGRESS_AUTOMATIC)
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
  if (self->n_read < MAX_READ)
    {
      self->n_read++;
      return read_stream (self, source->stream, piece, length);
    }
  g_string_append_len (late, piece, (gssize) length);
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

/* For PROGRESS_POSITION: how far the program is, of how much, in bytes. */
void
progress_reader_set_position (ProgressReader *self, double position, double size)
{
  ProgressValues values;

  progress_values_init (&values);
  values.unit = "bytes";
  values.numbers[PROGRESS_DONE] = position;
  if (!(self->total > 0))
    self->total = size;
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
        read_stream (self, stream, self->late[stream]->str, self->late[stream]->len);
        g_string_truncate (self->late[stream], 0);
      }
  if (self->said->len > 0)
    {
      clean (self->said->str, self->said->len, self->text, sizeof self->text);
      g_string_truncate (self->said, 0);
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
prepare_program (ProgressReader *self, const ProgressProgram *program, const char *const *argv, const char *directory,
                 GError **error)
{
  self->kind = program->output.kind == PROGRESS_POSITION ? PROGRESS_POSITION : PROGRESS_PATTERN;
  self->phases = program->phases;
  if (!self->total_is_given && program->find_total != NULL)
    {
      double total = program->find_total (argv, directory);

      /* The position in one of many files says nothing of the whole. */
      if (isnan (total) && self->kind == PROGRESS_POSITION)
        self->kind = PROGRESS_NONE;
      self->total_is_given = total > 0;
      self->total = self->total_is_given ? total : 0;
    }
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
 * argv, directory: (nullable): what runs, and where; for PROGRESS_AUTOMATIC. */
ProgressReader *
progress_reader_new (ProgressKind kind, const char *pattern, double total, const char *const *argv,
                     const char *directory, GError **error)
{
  g_autoptr (ProgressReader) self = g_new0 (ProgressReader, 1);
  const ProgressProgram *program = kind == PROGRESS_AUTOMATIC ? progress_programs_find (argv) : NULL;
  ProgressSpeech speech = {.kind = kind == PROGRESS_AUTOMATIC ? PROGRESS_PERCENT : kind, .pattern = pattern};

  self->report = (ProgressReport){.fraction = NAN, .amount = NAN};
  self->said = g_string_new (NULL);
  for (guint stream = 0; stream < N_STREAMS; stream++)
    {
      self->pieces[stream] = progress_pieces_new ();
      self->late[stream] = g_string_new (NULL);
    }
  self->total_is_given = total > 0;
  self->total = self->total_is_given ? total : 0;
  if (program != NULL ? !prepare_program (self, program, argv, directory, error) : !prepare_all (self, &speech, error))
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
  g_string_free (self->said, TRUE);
  g_free (self->phase_name);
  g_free (self);
}
