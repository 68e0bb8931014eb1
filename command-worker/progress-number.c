/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers as programs print them, in any language: a decimal point or a decimal comma, groups of thousands, letters of
 * units, and times. See progress-number.h. */

#include "config.h"

#include "progress-number.h"

#include <math.h>
#include <string.h>

/* The characters of a number. What is longer is none. */
#define MAX_FIGURE 40

typedef struct
{
  gsize n_after;  /* digits after the last mark */
  guint n_marks;  /* points and commas */
  gboolean mixed; /* both of them */
  const char *end;
} Figure;

/* Reads digits and the points and commas between them. Returns FALSE where there are none, or too many. */
static gboolean
read_figure (const char *text, Figure *figure)
{
  gsize length = strspn (text, "0123456789.,");
  gsize n_digits = 0;
  char mark = '\0';

  memset (figure, 0, sizeof *figure);
  while (length > 0 && !g_ascii_isdigit (text[length - 1]))
    length--;
  for (gsize i = 0; i < length; i++)
    {
      if (g_ascii_isdigit (text[i]))
        {
          n_digits++;
          figure->n_after++;
          continue;
        }
      figure->mixed |= mark != '\0' && mark != text[i];
      mark = text[i];
      figure->n_marks++;
      figure->n_after = 0;
    }
  figure->end = text + length;
  return n_digits > 0 && length <= MAX_FIGURE;
}

/* Whether the last point or comma is before decimals, and not before three more digits of a whole number. */
static gboolean
has_decimals (const Figure *figure, gboolean grouped, gboolean has_unit)
{
  if (figure->n_marks == 0)
    return FALSE;
  if (figure->mixed)
    return TRUE;
  if (figure->n_marks > 1)
    return FALSE;
  return !grouped || has_unit || figure->n_after != 3;
}

static double
value_of (const char *text, const Figure *figure, gboolean decimals)
{
  const char *last = figure->end - figure->n_after;
  double value = 0;
  double place = 1;

  for (const char *at = text; at < figure->end; at++)
    {
      if (!g_ascii_isdigit (*at))
        continue;
      value = value * 10 + (*at - '0');
      if (decimals && at >= last)
        place *= 10;
    }
  return value / place;
}

/* Reads "MiB", "kB", "M", "bytes" behind a number, also with a blank before it. Returns what follows. */
static const char *
read_unit (const char *text, ProgressNumber *number)
{
  static const char letters[] = "kmgtpe";
  const char *at = text + strspn (text, " ");
  const char *letter = *at != '\0' && *at != 'm' ? strchr (letters, g_ascii_tolower (*at)) : NULL;
  const char *end = letter != NULL ? at + 1 : at;
  gboolean binary = letter != NULL && *end == 'i';
  gboolean bytes;

  end += binary;
  bytes = *end == 'B' || (letter == NULL && g_ascii_strncasecmp (end, "byte", 4) == 0);
  if (bytes)
    end += *end == 'B' && end[1] != 'y' ? 1 : strspn (end, "BbYyTtEeSs");
  if (letter == NULL && !bytes)
    return text;
  /* "3 packages": the letter begins a word. */
  if (g_ascii_isalpha (*end))
    return text;
  if (letter != NULL)
    number->factor = pow (bytes && !binary ? 1000 : 1024, (double) (letter - letters + 1));
  number->unit = "bytes";
  return end;
}

/* Reads 1.5e-05 and the like. Returns what follows, or NULL where the number has no exponent. */
static const char *
read_exponent (const char *text, const char *end, double *value)
{
  const char *digits = end + 1 + (end[0] != '\0' && (end[1] == '-' || end[1] == '+'));
  char *after = NULL;

  if (g_ascii_tolower (*end) != 'e' || !g_ascii_isdigit (*digits))
    return NULL;
  *value = g_ascii_strtod (text, &after);
  return after >= digits && isfinite (*value) ? after : NULL;
}

/* Reads d:hh:mm:ss, h:mm:ss.ff and m:ss, of which text begins with the first number. Returns what follows, or NULL. */
static const char *
read_time (const char *text, double *seconds)
{
  double fields[4] = {0};
  const char *at = text;

  for (guint n = 0; n < G_N_ELEMENTS (fields); n++)
    {
      Figure figure;

      if (!read_figure (at, &figure))
        return NULL;
      /* What was before is a place higher. */
      memmove (fields + 1, fields, sizeof fields - sizeof *fields);
      fields[0] = value_of (at, &figure, figure.n_marks > 0);
      at = figure.end;
      if (*at != ':')
        {
          *seconds = fields[0] + 60 * (fields[1] + 60 * (fields[2] + 24 * fields[3]));
          return n > 0 ? at : NULL;
        }
      at++;
    }
  return NULL;
}

/* Reads the number that text begins with, after blanks. What is below 0 is 0: ffmpeg begins at -00:00:00.02.
 *
 * grouped: "32.768" and "32,768" are 32768, and not 32.768, where no letter of a unit follows.
 *
 * Returns what follows the number and its unit, or NULL where there is no number, such as for "N/A". */
const char *
progress_number_parse (const char *text, gboolean grouped, ProgressNumber *number)
{
  const char *at = text + strspn (text, " ");
  gboolean negative = *at == '-';
  const char *end;
  Figure figure;

  *number = (ProgressNumber){.factor = 1};
  at += negative;
  if (!g_ascii_isdigit (*at) || !read_figure (at, &figure))
    return NULL;
  end = read_time (at, &number->value);
  if (end != NULL)
    number->unit = "s";
  else if ((end = read_exponent (at, figure.end, &number->value)) == NULL)
    {
      end = read_unit (figure.end, number);
      number->value = value_of (at, &figure, has_decimals (&figure, grouped, number->unit != NULL)) * number->factor;
    }
  if (negative)
    number->value = 0;
  return end;
}

/* Returns the number that text is, but for blanks around it, or NAN. */
double
progress_number_read (const char *text, gboolean grouped)
{
  ProgressNumber number;
  const char *end = progress_number_parse (text, grouped, &number);

  return end != NULL && end[strspn (end, " ")] == '\0' ? number.value : NAN;
}
