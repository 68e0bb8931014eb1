/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-rate.c
 *
 * A period is over when a test moves its begin back. */

#include "config.h"

#include "cluster/ferry-rate-private.h"

#include <string.h>

#define PERIOD ((gint64) 60 * 60 * G_USEC_PER_SEC)

static guint n_lines;
static char *latest; /* (owned) (nullable) */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if ((level & G_LOG_LEVEL_MESSAGE) == 0)
    return g_log_writer_default (level, fields, n_fields, data);
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      {
        n_lines++;
        g_free (latest);
        latest = g_strdup (fields[i].value);
      }
  return G_LOG_WRITER_HANDLED;
}

static void
test_counts_anew_in_each_period (void)
{
  FerryRate rate = {0};

  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < 5; i++)
        g_assert_cmpint (ferry_rate_note (&rate, PERIOD, 3), ==, i < 3);
      rate.since -= PERIOD;
    }
}

static void
test_leaves_lines_out_and_says_so (void)
{
  FerryRate rate = {0};

  for (guint i = 0; i < 1000; i++)
    ferry_rate_log (&rate, "line %u", i);
  g_assert_cmpuint (n_lines, ==, FERRY_RATE_MAX_LINES + 1);
  g_assert_nonnull (strstr (latest, "left out"));
  rate.since -= PERIOD;
  ferry_rate_log (&rate, "line %u", 1000);
  g_assert_cmpstr (latest, ==, "line 1000");
  g_clear_pointer (&latest, g_free);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  g_test_add_func ("/rate/counts-anew-in-each-period", test_counts_anew_in_each_period);
  g_test_add_func ("/rate/leaves-lines-out-and-says-so", test_leaves_lines_out_and_says_so);
  return g_test_run ();
}
