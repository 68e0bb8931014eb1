/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: gtk/ferry-clock-time.c
 *
 * Until when a task waits, as the user reads a clock. */

#include "config.h"

#include <gio/gio.h>

#include "gtk/ferry-clock-time-private.h"

#define SCHEMA "org.gnome.desktop.interface"

/* In microseconds since 1970, of UTC, which is where these tests are. */
static gint64
at (int day, int hour, int minute)
{
  g_autoptr (GDateTime) time = g_date_time_new_utc (2026, 3, day, hour, minute, 0);

  return g_date_time_to_unix (time) * G_USEC_PER_SEC;
}

static void
assert_wait (gint64 time, gint64 now, const char *expected)
{
  g_autofree char *words = ferry_clock_time_format_wait (time, now);

  g_assert_cmpstr (words, ==, expected);
}

static void
test_day_is_said_if_it_is_another_one (void)
{
  assert_wait (at (2, 22, 0), at (2, 9, 30), "Waits until 22:00");
  assert_wait (at (3, 7, 5), at (2, 22, 0), "Waits until Tuesday, 07:05");
  assert_wait (at (8, 7, 5), at (2, 8, 0), "Waits until Sunday, 07:05");
  /* A Monday as today, and so that day has a date. */
  assert_wait (at (9, 9, 30), at (2, 9, 30), "Waits until 03/09/26, 09:30");
  assert_wait (G_MAXINT64, at (2, 9, 30), "Waits until it is run by hand");
}

static void
test_clock_is_the_one_that_the_user_has_chosen (void)
{
  GSettingsSchemaSource *source = g_settings_schema_source_get_default ();
  g_autoptr (GSettingsSchema) schema = source != NULL ? g_settings_schema_source_lookup (source, SCHEMA, TRUE) : NULL;
  g_autoptr (GSettings) settings = NULL;

  if (schema == NULL || !g_settings_schema_has_key (schema, "clock-format"))
    {
      g_test_skip ("The settings of a desktop (gsettings-desktop-schemas) are not installed");
      return;
    }
  settings = g_settings_new (SCHEMA);
  g_settings_set_string (settings, "clock-format", "12h");
  assert_wait (at (2, 22, 0), at (2, 9, 30), "Waits until 10:00 PM");
  assert_wait (at (3, 7, 5), at (2, 22, 0), "Waits until Tuesday, 7:05 AM");
  g_settings_set_string (settings, "clock-format", "24h");
  assert_wait (at (2, 22, 0), at (2, 9, 30), "Waits until 22:00");
}

int
main (int argc, char **argv)
{
  g_setenv ("TZ", "UTC", TRUE);
  g_setenv ("GSETTINGS_BACKEND", "memory", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock-time/day-is-said-if-it-is-another-one", test_day_is_said_if_it_is_another_one);
  g_test_add_func ("/clock-time/clock-is-the-one-that-the-user-has-chosen",
                   test_clock_is_the_one_that_the_user_has_chosen);
  return g_test_run ();
}
