/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times of the wall clock, as the user reads a clock.
 *
 * Threads: the one that runs GTK. */

#include "config.h"

#include "gtk/ferry-clock-time-private.h"

#include <gio/gio.h>
#include <langinfo.h>
#include <string.h>

#include "gtk/ferry-translation-private.h"

#define DESKTOP_SCHEMA "org.gnome.desktop.interface"
#define CLOCK_KEY "clock-format"

/* Days that have a name of their own: the same one a week later would be another day. */
#define NAMED_DAYS 6

/* (nullable) (transfer none): the desktop's settings; NULL where it has none of the kind. */
static GSettings *
get_settings (void)
{
  static GSettings *settings;
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = NULL;

  if (settings != NULL || source == NULL)
    return settings;
  schema = g_settings_schema_source_lookup (source, DESKTOP_SCHEMA, TRUE);
  if (schema != NULL && g_settings_schema_has_key (schema, CLOCK_KEY))
    settings = g_settings_new_full (schema, NULL, NULL);
  return settings;
}

static gboolean
is_gnome (void)
{
  const char *desktops = g_getenv ("XDG_CURRENT_DESKTOP");
  g_auto (GStrv) names = g_strsplit (desktops != NULL ? desktops : "", ":", -1);

  return g_strv_contains ((const char *const *) names, "GNOME");
}

/* (transfer full) (nullable): what the user has set. The default of the settings is what GNOME shows; elsewhere it says
 * nothing. */
static char *
dup_choice (void)
{
  GSettings *settings = get_settings ();
  g_autoptr (GVariant) chosen = settings != NULL ? g_settings_get_user_value (settings, CLOCK_KEY) : NULL;

  return chosen != NULL || (settings != NULL && is_gnome ()) ? g_settings_get_string (settings, CLOCK_KEY) : NULL;
}

static gboolean
has_twelve_hours (void)
{
  g_autofree char *choice = dup_choice ();
  const char *format = nl_langinfo (T_FMT);

  if (choice != NULL)
    return g_str_equal (choice, "12h");
  return strstr (format, "%r") != NULL || strstr (format, "%p") != NULL || strstr (format, "%I") != NULL;
}

char *
ferry_clock_time_format_wait (gint64 time, gint64 now)
{
  g_autoptr (GDateTime) then = g_date_time_new_from_unix_local (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) today = g_date_time_new_from_unix_local (now / G_USEC_PER_SEC);
  g_autofree char *clock = NULL, *day = NULL;

  /* No calendar has years beyond 9999, and nobody waits for them. */
  if (then == NULL)
    return g_strdup (_ ("Waits until it is run by hand"));
  clock = g_date_time_format (then, has_twelve_hours () ? "%-I:%M %p" : "%H:%M");
  if (g_date_time_get_day_of_year (then) == g_date_time_get_day_of_year (today) &&
      g_date_time_get_year (then) == g_date_time_get_year (today))
    /* Translators: a task is begun at that time of the day: "Waits until 22:00". */
    return g_strdup_printf (_ ("Waits until %s"), clock);
  day = g_date_time_format (then, time - now < NAMED_DAYS * G_TIME_SPAN_DAY ? "%A" : "%x");
  /* Translators: a task is begun at that day and time: "Waits until Monday, 22:00". */
  return g_strdup_printf (_ ("Waits until %s, %s"), day, clock);
}
