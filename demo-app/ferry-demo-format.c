/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "ferry-demo-format.h"

#include <langinfo.h>
#include <math.h>
#include <string.h>

#define SECONDS_PER_MINUTE 60
#define MINUTES_PER_HOUR 60
#define HOURS_PER_DAY 24

/* The C locale has no separator, and seven digits in a row cannot be read. */
static const char *
get_separator (void)
{
  const char *separator = nl_langinfo (THOUSEP);

  return separator != NULL && *separator != '\0' && g_utf8_validate (separator, -1, NULL) ? separator : ",";
}

char *
ferry_demo_format_count (guint64 count)
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

char *
ferry_demo_format_counted (guint64 count, const char *one, const char *many)
{
  g_autofree char *number = ferry_demo_format_count (count);

  return g_strdup_printf ("%s %s", number, count == 1 ? one : many);
}

/* Three digits are enough for something that changes all the time. */
char *
ferry_demo_format_amount (double amount)
{
  if (amount >= 999.5e6)
    return g_strdup_printf ("%.2f billion", amount / 1e9);
  if (amount >= 99.95e6)
    return g_strdup_printf ("%.0f million", amount / 1e6);
  if (amount >= 9.995e6)
    return g_strdup_printf ("%.1f million", amount / 1e6);
  if (amount >= 999.5e3)
    return g_strdup_printf ("%.2f million", amount / 1e6);
  return ferry_demo_format_count ((guint64) llround (MAX (amount, 0.0)));
}

char *
ferry_demo_format_latency (double microseconds)
{
  if (microseconds < 999.5)
    return g_strdup_printf ("%.0f µs", microseconds);
  if (microseconds < 9950.0)
    return g_strdup_printf ("%.1f ms", microseconds / 1e3);
  if (microseconds < 999.5e3)
    return g_strdup_printf ("%.0f ms", microseconds / 1e3);
  return g_strdup_printf ("%.1f s", microseconds / 1e6);
}

/* As a clock shows it: 0:04, 12:30, 1:00:00. */
char *
ferry_demo_format_duration (double seconds)
{
  guint64 whole = seconds > 0.0 ? (guint64) MIN (seconds, (double) G_MAXINT32) : 0;
  guint minutes = (guint) (whole / SECONDS_PER_MINUTE % MINUTES_PER_HOUR);
  guint hours = (guint) (whole / (SECONDS_PER_MINUTE * MINUTES_PER_HOUR));
  guint rest = (guint) (whole % SECONDS_PER_MINUTE);

  if (hours > 0)
    return g_strdup_printf ("%u:%02u:%02u", hours, minutes, rest);
  return g_strdup_printf ("%u:%02u", minutes, rest);
}

/* The further away the end, the rounder the time, so that the text does not flicker. */
char *
ferry_demo_format_time_left (double seconds)
{
  guint64 left;
  g_autofree char *text = NULL;

  if (!(seconds < (double) G_MAXINT32))
    return g_strdup ("years left");
  left = (guint64) llround (seconds);
  if (left <= 1)
    return g_strdup ("1 second left");
  if (left < 10)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " seconds left", left);
  if (left <= SECONDS_PER_MINUTE - 3)
    return g_strdup_printf ("%" G_GUINT64_FORMAT " seconds left", (left + 2) / 5 * 5);

  left = (left + SECONDS_PER_MINUTE / 2) / SECONDS_PER_MINUTE;
  if (left < MINUTES_PER_HOUR)
    text = ferry_demo_format_counted (left, "minute", "minutes");
  else if (left < MINUTES_PER_HOUR * HOURS_PER_DAY)
    text = ferry_demo_format_counted ((left + MINUTES_PER_HOUR / 2) / MINUTES_PER_HOUR, "hour", "hours");
  else
    text = ferry_demo_format_counted (left / (MINUTES_PER_HOUR * HOURS_PER_DAY), "day", "days");
  return g_strdup_printf ("%s left", text);
}
