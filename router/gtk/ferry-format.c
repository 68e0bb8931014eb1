/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers, durations and the time that is left, in words, in the language of the user. Any thread. */

#include "config.h"

#include "gtk/ferry-format.h"

#include <langinfo.h>
#include <math.h>
#include <string.h>

#include "gtk/ferry-translation-private.h"

#define SECONDS_PER_MINUTE 60
#define MINUTES_PER_HOUR 60
#define HOURS_PER_DAY 24

/* A time that is left has its minutes below this. */
#define HOURS_WITH_MINUTES 4

/* A time that is left beyond this is told without a number. */
#define YEARS_AFTER (100 * 365 * G_GINT64_CONSTANT (24 * 3600) * G_USEC_PER_SEC)

/* The C locale has no separator, and seven digits in a row cannot be read. */
static const char *
get_separator (void)
{
  const char *separator = nl_langinfo (THOUSEP);

  return separator != NULL && *separator != '\0' && g_utf8_validate (separator, -1, NULL) ? separator : ",";
}

/**
 * ferry_format_count:
 * @count: a number
 *
 * Formats a number with a separator between thousands, that of the locale. Any thread.
 *
 * Returns: (transfer full): the number as text, such as `216,816`
 */
char *
ferry_format_count (guint64 count)
{
  g_autofree char *digits = g_strdup_printf ("%" G_GUINT64_FORMAT, count);
  gsize length = strlen (digits);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < length; i++)
    {
      if (i > 0 && (length - i) % 3 == 0)
        g_string_append (text, get_separator ());
      g_string_append_c (text, digits[i]);
    }
  return g_string_free (text, FALSE);
}

/**
 * ferry_format_amount:
 * @amount: a number; a negative one counts as 0
 *
 * Formats a number that changes all the time. From a million on it has three digits. Any thread.
 *
 * Returns: (transfer full): the number as text, such as `2.54 million`
 */
char *
ferry_format_amount (double amount)
{
  if (amount >= 999.5e6)
    return g_strdup_printf (_ ("%.2f billion"), amount / 1e9);
  if (amount >= 99.95e6)
    return g_strdup_printf (_ ("%.0f million"), amount / 1e6);
  if (amount >= 9.995e6)
    return g_strdup_printf (_ ("%.1f million"), amount / 1e6);
  if (amount >= 999.5e3)
    return g_strdup_printf (_ ("%.2f million"), amount / 1e6);
  return ferry_format_count ((guint64) llround (MAX (amount, 0.0)));
}

/**
 * ferry_format_duration:
 * @duration: a time in microseconds; a negative one counts as 0
 *
 * Formats a time as a clock shows it. Any thread.
 *
 * Returns: (transfer full): the time as text, such as `0:04`, `12:30` or `1:00:00`
 */
char *
ferry_format_duration (gint64 duration)
{
  guint64 whole = (guint64) MAX (duration, 0) / G_USEC_PER_SEC;
  guint minutes = (guint) (whole / SECONDS_PER_MINUTE % MINUTES_PER_HOUR);
  guint64 hours = whole / (SECONDS_PER_MINUTE * MINUTES_PER_HOUR);
  guint rest = (guint) (whole % SECONDS_PER_MINUTE);

  if (hours > 0)
    return g_strdup_printf ("%" G_GUINT64_FORMAT ":%02u:%02u", hours, minutes, rest);
  return g_strdup_printf ("%u:%02u", minutes, rest);
}

static char *
format_seconds_left (guint64 left)
{
  return g_strdup_printf (ferry_gtk_ngettext ("%u second left", "%u seconds left", (gulong) left), (guint) left);
}

static char *
format_minutes_left (guint left)
{
  const guint hours = left / MINUTES_PER_HOUR;
  const guint rest = left % MINUTES_PER_HOUR;
  g_autofree char *minutes = NULL;

  if (hours == 0)
    return g_strdup_printf (ferry_gtk_ngettext ("%u minute left", "%u minutes left", rest), rest);
  if (rest == 0)
    return g_strdup_printf (ferry_gtk_ngettext ("%u hour left", "%u hours left", hours), hours);
  minutes = g_strdup_printf (ferry_gtk_ngettext ("%u minute", "%u minutes", rest), rest);
  /* Translators: %s are the minutes, as in "1 hour 20 minutes left". */
  return g_strdup_printf (ferry_gtk_ngettext ("%u hour %s left", "%u hours %s left", hours), hours, minutes);
}

/**
 * ferry_format_time_left:
 * @time_left: a time in microseconds
 *
 * Formats the time that is left. The further away the end is, the rounder is the time, so that the text does not
 * flicker. Any thread.
 *
 * Returns: (transfer full): the time as text, such as `25 seconds left` or `1 hour 20 minutes left`
 */
char *
ferry_format_time_left (gint64 time_left)
{
  guint left;

  if (time_left >= YEARS_AFTER)
    return g_strdup (_ ("years left"));
  left = (guint) ((MAX (time_left, 0) + G_USEC_PER_SEC / 2) / G_USEC_PER_SEC);
  if (left < 10)
    return format_seconds_left (MAX (left, 1));
  if (left <= SECONDS_PER_MINUTE - 3)
    return format_seconds_left ((left + 2) / 5 * 5);

  left = (left + SECONDS_PER_MINUTE / 2) / SECONDS_PER_MINUTE;
  if (left < MINUTES_PER_HOUR)
    return format_minutes_left (left);
  if (left < HOURS_WITH_MINUTES * MINUTES_PER_HOUR)
    return format_minutes_left ((left + 2) / 5 * 5);
  left = (left + MINUTES_PER_HOUR / 2) / MINUTES_PER_HOUR;
  if (left < HOURS_PER_DAY)
    return format_minutes_left (left * MINUTES_PER_HOUR);
  left = (left + HOURS_PER_DAY / 2) / HOURS_PER_DAY;
  return g_strdup_printf (ferry_gtk_ngettext ("%u day left", "%u days left", left), left);
}
