/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an application needs of the library for GTK when it is installed. It runs without a display. */

#include <ferry-gtk.h>

int
main (void)
{
  g_autoptr (FerryTask) task = ferry_task_new (FERRY_TASK_KIND_CALL, "unknown", NULL);
  g_autofree char *words = ferry_format_time_left (24 * G_USEC_PER_SEC);

  g_print ("%s\n", words);
  return ferry_task_describe_error (task, NULL, NULL, NULL) ? 1 : 0;
}
